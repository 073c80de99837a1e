package dubbo

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/hessian2"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/jsonb"
	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errRefMap      = errors.New("the attachments are a reference into the arguments")
	errOldClient   = errors.New("the client's version reads no attachments in responses")
	errIsService   = errors.New("it is the service; change that")
	errNotScalar   = errors.New("its value is no text, and others may refer to it")
	errStatusReply = errors.New("an error status has no attachments")
	errNoResponse  = errors.New("a response names no service and method")
)

// splice replaces frame[from:to].
type splice struct {
	from, to int
	text     []byte
}

// editor collects the changes of one message.
type editor struct {
	*parser
	splices []splice
	tail    []byte // what is added before the end of the attachments
}

// Encode implements sdk.Codec. It replaces and inserts bytes, and keeps all others:
// arguments, attachments that are no text, and what some peers leave behind the
// body.
func (c *Codec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	start := len(dst)
	if mut.Empty() {
		return append(dst, m.Bytes...), nil
	}
	if mut.NewID && mut.Service == nil && mut.Method == nil && len(mut.Set)+len(mut.Remove)+len(mut.Optional) == 0 {
		dst = append(dst, m.Bytes...)
		binary.BigEndian.PutUint64(dst[start+idAt:], mut.ID)
		return dst, nil
	}
	p := newParser(m)
	defer p.release()
	e := &editor{parser: p}
	if err := e.edit(m, mut); err != nil {
		return dst, err
	}
	dst = e.apply(dst)
	if mut.NewID {
		binary.BigEndian.PutUint64(dst[start+idAt:], mut.ID)
	}
	return finish(dst, start)
}

func (e *editor) edit(m *sdk.Message, mut *sdk.Mutation) error {
	if m.Kind == sdk.KindResponse {
		return e.editResponse(m, mut)
	}
	if err := e.parseRequest(); err != nil {
		return err
	}
	if bytes.ContainsAny(mut.Service, "/:") {
		return sdk.Unsupported("service", errServiceName)
	}
	e.editCall(mut)
	for _, entry := range mut.Set {
		if string(entry.Key) == keyPath {
			return sdk.Unsupported("attachment path", errIsService)
		}
		if string(entry.Key) == keyVersion {
			e.replace(e.version.from, e.version.to, e.text(entry.Value))
			if e.get(keyVersion) == nil {
				continue
			}
		}
		if err := e.set(entry); err != nil {
			return err
		}
	}
	for _, key := range mut.Remove {
		if string(key) == keyVersion {
			e.replace(e.version.from, e.version.to, e.text(nil))
		}
		if err := e.remove(key); err != nil {
			return err
		}
	}
	for _, entry := range mut.Optional {
		if string(entry.Key) != keyPath && e.form != refAttachments {
			if err := e.set(entry); err != nil {
				return err
			}
		}
	}
	return e.wrap()
}

// editCall changes service and method where the provider reads them, and the
// service also where others do.
func (e *editor) editCall(mut *sdk.Mutation) {
	if mut.Service != nil {
		e.replace(e.service.from, e.service.to, e.text(mut.Service))
		for i := range e.attachments {
			a := &e.attachments[i]
			if a.scalar && (string(a.key) == keyPath || string(a.key) == "interface") {
				e.replace(a.valueAt, a.to, e.value(mut.Service))
			}
		}
	}
	if mut.Method != nil {
		at := &e.method
		if e.generic {
			at = &e.target
		}
		e.replace(at.from, at.to, e.text(mut.Method))
	}
}

func (e *editor) editResponse(m *sdk.Message, mut *sdk.Mutation) error {
	if mut.Service != nil || mut.Method != nil {
		return sdk.Unsupported("service and method", errNoResponse)
	}
	var err error
	switch e.serial {
	case serialHessian2:
		err = e.hessianResponse()
	case serialFastjson2:
		err = e.jsonbResponse()
	default:
		err = unknownSerialization(e.serial)
	}
	if err != nil {
		return err
	}
	changes := len(mut.Set) + len(mut.Remove)
	switch {
	case m.Bytes[statusAt] != statusOK:
		if changes > 0 {
			return sdk.Unsupported("attachments", errStatusReply)
		}
		return nil
	case e.kind < exceptionAndAttachments && changes > 0:
		// Whether the client reads attachments stands in its request.
		return sdk.Unsupported("attachments", errOldClient)
	case e.kind < exceptionAndAttachments:
		return nil
	}
	for _, entry := range mut.Set {
		if err := e.set(entry); err != nil {
			return err
		}
	}
	for _, key := range mut.Remove {
		if err := e.remove(key); err != nil {
			return err
		}
	}
	return e.wrap()
}

func (e *editor) replace(from, to int, text []byte) {
	e.splices = append(e.splices, splice{from, to, text})
}

// set gives an attachment its value. A value that is no text stays, since others
// may refer to it, and a second entry follows, which is the one that maps keep.
func (e *editor) set(entry sdk.Entry) error {
	if e.form == refAttachments {
		return sdk.Unsupported("attachment "+string(entry.Key), errRefMap)
	}
	if a := e.get(string(entry.Key)); a != nil && a.scalar {
		e.replace(a.valueAt, a.to, e.value(entry.Value))
		return nil
	}
	e.tail = append(append(e.tail, e.value(entry.Key)...), e.value(entry.Value)...)
	return nil
}

// remove takes out all entries with that key.
func (e *editor) remove(key []byte) error {
	for i := range e.attachments {
		a := &e.attachments[i]
		if !bytes.Equal(a.key, key) {
			continue
		}
		if !a.scalar {
			return sdk.Unsupported("attachment "+string(key), errNotScalar)
		}
		e.replace(a.from, a.to, nil)
	}
	return nil
}

// text is a string where the body has one of its own.
func (e *editor) text(s []byte) []byte {
	if e.serial == serialFastjson2 {
		b := jsonb.AppendText(make([]byte, 4, 16+len(s)), string(s))
		binary.BigEndian.PutUint32(b, uint32(len(b)-4)) //nolint:gosec // finish checks the whole
		return b
	}
	return e.value(s)
}

// value is a string inside the attachments.
func (e *editor) value(s []byte) []byte {
	if e.serial == serialFastjson2 {
		return jsonb.AppendText(nil, string(s))
	}
	return hessian2.AppendText(nil, string(s))
}

// wrap puts what is added where it belongs, and makes a map where there is none.
func (e *editor) wrap() error {
	begin, end := byte('H'), byte('Z')
	if e.serial == serialFastjson2 {
		begin, end = jsonb.Object, jsonb.ObjectEnd
	}
	if len(e.tail) > 0 {
		if e.form == mapAttachments {
			e.replace(e.mapEnd, e.mapEnd, e.tail)
		} else {
			made := append(append([]byte{begin}, e.tail...), end)
			if e.form == noAttachments && e.serial == serialFastjson2 {
				made = append(binary.BigEndian.AppendUint32(nil, uint32(len(made))), made...) //nolint:gosec // finish checks the whole
			}
			e.replace(e.mapFrom, e.mapTo, made)
		}
	}
	e.settle()
	if e.serial == serialFastjson2 && e.form != noAttachments {
		return e.chunkLength()
	}
	return nil
}

// chunkLength corrects the length in front of fastjson2's attachments.
func (e *editor) chunkLength() error {
	delta := 0
	for _, s := range e.splices {
		if s.from >= e.mapFrom {
			delta += len(s.text) - (s.to - s.from)
		}
	}
	n := int(binary.BigEndian.Uint32(e.frame[e.chunk:])) + delta
	if n < 0 || n > 1<<31-1 {
		return sdk.Unsupported("attachments", fmt.Errorf("%d bytes do not fit", n))
	}
	length := splice{e.chunk, e.chunk + 4, binary.BigEndian.AppendUint32(nil, uint32(n))}
	at := slices.IndexFunc(e.splices, func(s splice) bool { return s.from >= e.mapFrom })
	if at < 0 {
		at = len(e.splices)
	}
	e.splices = slices.Insert(e.splices, at, length)
	return nil
}

// settle sorts the changes and leaves one of those that concern the same bytes: the
// last one made, but an entry that is taken out is out, whatever its value became.
func (e *editor) settle() {
	slices.SortStableFunc(e.splices, func(a, b splice) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to))
	})
	kept := e.splices[:0]
	for _, s := range e.splices {
		last := len(kept) - 1
		switch {
		case last < 0 || s.from >= kept[last].to:
			kept = append(kept, s)
		case s.from == kept[last].from && s.to == kept[last].to:
			kept[last] = s
		}
	}
	e.splices = kept
}

// apply appends the message with all changes.
func (e *editor) apply(dst []byte) []byte {
	at := 0
	for _, s := range e.splices {
		dst = append(append(dst, e.frame[at:s.from]...), s.text...)
		at = s.to
	}
	return append(dst, e.frame[at:]...)
}
