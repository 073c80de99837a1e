package thrift

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

var (
	errNoHeaders  = errors.New("the transport has no headers")
	errNoResponse = errors.New("a response names no service and method")
	errIsService  = errors.New("it is the service; change that")
	errIsField    = errors.New("it is a field of the result")
	errLaxName    = errors.New("an envelope without a version is told by its name: a letter, a digit or '_' first, and visible ASCII")
	errColon      = errors.New("':' would make it part of another service or method")
)

// splice replaces b[from:to] of a message.
type splice struct {
	span
	text []byte
}

// editor collects the changes of one message.
type editor struct {
	layout
	m       *sdk.Message
	splices []splice
}

func (e *editor) replace(at span, text []byte) { e.splices = append(e.splices, splice{at, text}) }

// Encode implements sdk.Codec. It replaces and inserts bytes, and keeps all others.
func (c *Codec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	if mut.Empty() {
		return append(dst, m.Bytes...), nil
	}
	l, err := c.sound(m)
	if err != nil {
		return dst, err
	}
	if onlyID(mut) && l.protocol != compact {
		return l.appendWithID(dst, m, mut.ID)
	}
	e := editor{layout: l, m: m}
	if err := e.edit(mut); err != nil {
		return dst, err
	}
	return e.finish(dst)
}

// sound is the layout of a message that can be served.
func (c *Codec) sound(m *sdk.Message) (layout, error) {
	l, _, err := c.locate(m.Bytes)
	if err == nil {
		err = l.bad
	}
	return l, err
}

// finish appends the message with all changes, and its new length.
func (e *editor) finish(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = e.apply(dst)
	if e.end > 0 {
		if n := len(dst) - start - 4; n > maxLength || wire.PutLen32(dst, start, n) != nil {
			return dst[:start], sdk.Unsupported("length", errTooLong)
		}
	}
	return dst, nil
}

func (e *editor) edit(mut *sdk.Mutation) error {
	if e.m.Kind == sdk.KindResponse && (mut.Service != nil || mut.Method != nil) {
		return sdk.Unsupported("service and method", errNoResponse)
	}
	if mut.NewID {
		e.editID(mut.ID)
	}
	if err := e.editName(mut); err != nil {
		return err
	}
	return e.editMetadata(mut)
}

// editName changes the method, and with it the service unless that is a header.
func (e *editor) editName(mut *sdk.Mutation) error {
	service, method := e.m.Service, e.m.Method
	if mut.Method != nil {
		method = mut.Method
	}
	if e.transport == ttheader {
		if mut.Method == nil {
			return nil
		}
		return e.setName(string(method))
	}
	if mut.Service != nil {
		service = mut.Service
	}
	switch {
	case mut.Service == nil && mut.Method == nil:
		return nil
	case bytes.IndexByte(service, ':') >= 0, len(service) == 0 && bytes.IndexByte(method, ':') >= 0:
		return sdk.Unsupported("name", errColon)
	case len(service) == 0:
		return e.setName(string(method))
	case len(method) == 0:
		return sdk.Unsupported("name", errNoName)
	}
	return e.setName(string(service) + ":" + string(method))
}

func (e *editor) setName(name string) error {
	if e.flaw != flawless {
		return sdk.Unsupported("name", errNotThrift)
	}
	if err := checkName(name); err != nil {
		return sdk.Unsupported("name", err)
	}
	if e.protocol == lax && !isLaxName(name) {
		return sdk.Unsupported("name", errLaxName)
	}
	e.replace(span{e.nameAt, e.name.to}, appendText(nil, e.protocol, name))
	return nil
}

// editMetadata changes headers, where the transport has them. What is optional is
// left out where it does not fit.
func (e *editor) editMetadata(mut *sdk.Mutation) error {
	if !e.transport.headers() {
		switch {
		case len(mut.Set) > 0:
			return sdk.Unsupported("header "+string(mut.Set[0].Key), errNoHeaders)
		case len(mut.Remove) > 0:
			return sdk.Unsupported("header "+string(mut.Remove[0]), errNoHeaders)
		}
		return nil
	}
	for i := range mut.Set {
		if err := e.settable(mut.Set[i].Key); err != nil {
			return err
		}
	}
	for _, key := range mut.Remove {
		if err := e.settable(key); err != nil {
			return err
		}
	}
	set := mut.Set
	if e.transport == ttheader && mut.Service != nil {
		set = append(slices.Clip(set), sdk.Entry{Key: []byte(keyService), Value: mut.Service})
	}
	before := len(e.splices)
	with := set
	for i := range mut.Optional {
		if o := mut.Optional[i]; e.settable(o.Key) == nil {
			with = append(slices.Clip(with), o)
		}
	}
	err := e.editHeaders(with, mut.Remove)
	if err != nil && len(with) > len(set) {
		e.splices = e.splices[:before]
		err = e.editHeaders(set, mut.Remove)
	}
	if err != nil {
		return err
	}
	return e.checkPayload(mut.Remove)
}

// checkPayload makes what headers say of the payload true of the changed one. Remove are
// the headers that go.
func (e *editor) checkPayload(remove [][]byte) error {
	if !slices.ContainsFunc(e.splices, func(s splice) bool { return s.from >= e.payload }) {
		return nil
	}
	e.innerLength()
	return e.checkSums(e.m, remove)
}

// settable refuses the keys of what is no header.
func (e *editor) settable(key []byte) error {
	switch {
	case e.m.Kind == sdk.KindResponse && string(key) == keyDeclared:
		return sdk.Unsupported("header "+keyDeclared, errIsField)
	case e.m.Kind != sdk.KindResponse && e.transport == ttheader && string(key) == keyService:
		return sdk.Unsupported("header "+keyService, errIsService)
	}
	return nil
}

// innerLength corrects the length in front of the envelope of a TTHeader.
func (e *editor) innerLength() {
	if !e.inner {
		return
	}
	n := e.end - e.payload
	for _, s := range e.splices {
		if s.from >= e.payload {
			n += len(s.text) - (s.to - s.from)
		}
	}
	e.replace(span{e.payload - 4, e.payload}, wire.AppendUint32(nil, uint32(min(n, maxLength)))) //nolint:gosec // Encode checks the whole
}

// apply appends the message with all changes. What is inserted at a place comes before
// what is replaced there.
func (e *editor) apply(dst []byte) []byte {
	slices.SortStableFunc(e.splices, func(a, b splice) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	at := 0
	for _, s := range e.splices {
		dst = append(append(dst, e.m.Bytes[at:s.from]...), s.text...)
		at = s.to
	}
	return append(dst, e.m.Bytes[at:]...)
}
