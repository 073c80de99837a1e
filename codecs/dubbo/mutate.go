package dubbo

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errRefMap      = errors.New("the attachments are a reference into the arguments")
	errOldClient   = errors.New("the client's version reads no attachments in responses")
	errIsService   = errors.New("it is the service; change that")
	errNotScalar   = errors.New("its value is no text, and others may refer to it")
	errStatusReply = errors.New("an error status has no attachments")
	errIsException = errors.New("it is the class of the exception")
	errNotUTF8     = errors.New("not UTF-8, and Dubbo's text is Unicode")
	errTrimmed     = errors.New("a generic call's method loses white space at its ends")
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
	added   []sdk.Entry // attachments
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
	if err := e.writable(mut); err != nil {
		return dst, err
	}
	if err := e.edit(m, mut); err != nil {
		return dst, err
	}
	dst = e.apply(dst)
	if mut.NewID {
		binary.BigEndian.PutUint64(dst[start+idAt:], mut.ID)
	}
	return finish(dst, start)
}

// writable refuses text that no serialization of Dubbo can hold.
func (e *editor) writable(mut *sdk.Mutation) error {
	for _, name := range [][]byte{mut.Service, mut.Method} {
		if !utf8.Valid(name) {
			return sdk.Unsupported("name", errNotUTF8)
		}
	}
	for _, entry := range mut.Set {
		if !writableEntry(entry) {
			return sdk.Unsupported("attachment "+strings.ToValidUTF8(string(entry.Key), "?"), errNotUTF8)
		}
	}
	return nil
}

func writableEntry(e sdk.Entry) bool { return utf8.Valid(e.Key) && utf8.Valid(e.Value) }

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
	if e.generic && len(trimJava(mut.Method)) != len(mut.Method) {
		return sdk.Unsupported("method", errTrimmed)
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
		if string(entry.Key) != keyPath && e.form != refAttachments && writableEntry(entry) {
			if err := e.set(entry); err != nil {
				return err
			}
		}
	}
	return e.dialect.attach(e)
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
	if err := e.parseResponse(); err != nil {
		return err
	}
	changes := len(mut.Set) + len(mut.Remove)
	switch {
	case m.Bytes[statusAt] != statusOK:
		if changes > 0 {
			return sdk.Unsupported("attachments", errStatusReply)
		}
		return nil
	case e.kind == exceptionAndAttachments && len(e.exception.class) > 0 && mut.Names(keyException):
		return sdk.Unsupported("attachment "+keyException, errIsException)
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
	return e.dialect.attach(e)
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
	e.added = append(e.added, entry)
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
func (e *editor) text(s []byte) []byte { return e.dialect.appendString(nil, string(s)) }

// value is a string inside the attachments.
func (e *editor) value(s []byte) []byte { return e.dialect.appendValue(nil, string(s)) }

// appendAdded appends the added attachments, as keys and values in a row.
func (e *editor) appendAdded(dst []byte) []byte {
	for _, entry := range e.added {
		dst = e.dialect.appendValue(dst, string(entry.Key))
		dst = e.dialect.appendValue(dst, string(entry.Value))
	}
	return dst
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
