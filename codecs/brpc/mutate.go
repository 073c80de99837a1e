package brpc

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

var (
	errNoResponse  = errors.New("a response names no service and method")
	errNotUTF8     = errors.New("not UTF-8, and bRPC's text is Unicode")
	errPayload     = errors.New("it tells what the payload is, which does not change")
	errOfRequest   = errors.New("responses have none")
	errNumberText  = errors.New("not a decimal number that fits")
	errNoMetadata  = errors.New("responses of brpc-java carry no metadata")
	errNoRequestID = errors.New("brpc-java has none, and takes a request with one for malformed")
	errLooksLike   = errors.New("it would look like metadata of brpc-java")
)

// change is what becomes of one field.
type change struct {
	set, remove bool
	n           uint64 // of a number
	text        []byte // of anything else
	last        int    // of an entry: where the last one with its key starts; 0 if there is none
}

// editor writes a message with its changes. It copies what it does not change.
type editor struct {
	*Codec
	m       *sdk.Message
	l       layout
	k       call // of a request
	form    form
	payload bool // what tells of the payload may change, too
	inCall  bool // something inside the request changes

	mut     *sdk.Mutation
	numbers [callTimeout + 1]change // of a request, by field; that of field 7 is request_id
	about   [metaContent + 1]change // of the meta, about the payload

	// Metadata as it is on the wire: changes by key, and the keys in their order.
	entries map[string]*change
	keys    []string

	scratch []byte
}

// Encode implements sdk.Codec.
func (c *Codec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	return c.encode(dst, m, mut, false)
}

// encode is Encode. With payload, entries about the payload may change as well.
func (c *Codec) encode(dst []byte, m *sdk.Message, mut *sdk.Mutation, payload bool) ([]byte, error) {
	if mut.Empty() {
		return append(dst, m.Bytes...), nil
	}
	l, err := layoutOf(m)
	if err != nil {
		return dst, err
	}
	e := editor{Codec: c, m: m, l: l, payload: payload, mut: mut}
	if err := e.plan(); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = e.appendMeta(appendHeader(dst))
	end := len(dst)
	return finish(append(dst, m.Bytes[l.meta.to:]...), start, end)
}

// plan finds out what is to be changed, and refuses what cannot be.
func (e *editor) plan() error {
	mut := e.mut
	if e.m.Kind == sdk.KindResponse {
		if mut.Service != nil || mut.Method != nil {
			return sdk.Unsupported("service and method", errNoResponse)
		}
	} else if err := e.planCall(); err != nil {
		return err
	}
	for i := range mut.Set {
		if err := e.plans(&mut.Set[i], change{set: true}); err != nil {
			return err
		}
	}
	for _, key := range mut.Remove {
		if err := e.plans(&sdk.Entry{Key: key}, change{remove: true}); err != nil {
			return err
		}
	}
	for i := range mut.Optional {
		if o := &mut.Optional[i]; !mut.Names(string(o.Key)) {
			_ = e.plans(o, change{set: true}) // what has no place is left out
		}
	}
	if len(e.entries) > 0 {
		e.findEntries()
	}
	return nil
}

// planCall reads what a request says, and looks at its new names.
func (e *editor) planCall() error {
	var (
		mut    = e.mut
		offset int
		err    error
	)
	if e.k, offset, err = readCall(e.m.Bytes, &e.l); err != nil {
		return sdk.Malformed("request", offset, err)
	}
	e.form = e.formOf(&e.k)
	if mut.Service == nil && mut.Method == nil {
		return nil
	}
	e.inCall = true
	service, method := e.k.last[callService].text(e.m.Bytes), e.k.last[callMethod].text(e.m.Bytes)
	if mut.Service != nil {
		service = mut.Service
	}
	if mut.Method != nil {
		method = mut.Method
	}
	if part, err := e.checkNames(service, method); err != nil {
		return sdk.Unsupported(part, err)
	}
	if !utf8.Valid(mut.Service) || !utf8.Valid(mut.Method) {
		return sdk.Unsupported("name", errNotUTF8)
	}
	if mut.Service != nil {
		e.numbers[callService] = change{set: true, text: mut.Service}
	}
	if mut.Method != nil {
		e.numbers[callMethod] = change{set: true, text: mut.Method}
	}
	return nil
}

// plans plans the change of one entry.
func (e *editor) plans(entry *sdk.Entry, ch change) error {
	var err error
	switch number, about := numberField(entry.Key), payloadField(entry.Key); {
	case number != 0:
		err = e.planNumber(number, entry.Value, ch)
	case about != 0:
		err = e.planAbout(about, entry.Value, ch)
	case string(entry.Key) == keyRequestID:
		err = e.planRequestID(entry.Value, ch)
	default:
		err = e.planMetadata(entry, ch)
	}
	if err != nil {
		return sdk.Unsupported("entry "+string(bytes.ToValidUTF8(entry.Key, []byte("?"))), err)
	}
	return nil
}

func (e *editor) planNumber(number int, text []byte, ch change) error {
	if e.m.Kind == sdk.KindResponse {
		return errOfRequest
	}
	if ch.set {
		n, ok := parseDecimal(text, callBits(number))
		if !ok {
			return errNumberText
		}
		ch.n = uint64(n) //nolint:gosec // Protocol Buffers' int64 and int32
	}
	e.numbers[number], e.inCall = ch, true
	return nil
}

func (e *editor) planAbout(number int, text []byte, ch change) error {
	if !e.payload {
		return errPayload
	}
	n, ok := numberNamed(number, text)
	if !ok {
		return errNumberText
	}
	ch.n = uint64(n) //nolint:gosec // Protocol Buffers' int32
	e.about[number] = ch
	return nil
}

// planRequestID changes an id that is there, which shows that no server in Java is meant.
// It adds one only where the configuration says so.
func (e *editor) planRequestID(id []byte, ch change) error {
	there := e.k.last[callSeven].number != 0
	switch {
	case e.m.Kind == sdk.KindResponse:
		return errOfRequest
	case e.form == extFields, ch.set && !there && e.dialect != dialectCPP:
		return errNoRequestID
	case !utf8.Valid(id):
		return errNotUTF8
	case ch.set && e.dialect != dialectCPP && readEntry(id, span{0, len(id)}).exact:
		return errLooksLike
	}
	ch.text = id
	e.numbers[callSeven], e.inCall = ch, true
	return nil
}

func (e *editor) planMetadata(entry *sdk.Entry, ch change) error {
	switch {
	case ch.set && e.m.Kind == sdk.KindResponse && e.dialect == dialectJava:
		return errNoMetadata
	case ch.set && !(utf8.Valid(entry.Key) && utf8.Valid(entry.Value)):
		return errNotUTF8
	}
	key := string(metadataKey(entry.Key))
	if e.entries == nil {
		e.entries = make(map[string]*change, len(e.mut.Set)+len(e.mut.Remove)+len(e.mut.Optional))
	}
	if _, planned := e.entries[key]; !planned {
		e.keys = append(e.keys, key)
	}
	ch.text = entry.Value
	e.entries[key], e.inCall = &ch, e.inCall || e.form == extFields
	return nil
}

// appendMeta appends the meta with its changes.
func (e *editor) appendMeta(dst []byte) []byte {
	b := e.m.Bytes
	r := fieldsOf(b, e.l.meta)
	for f, ok := r.next(); ok; f, ok = r.next() {
		whole := b[f.at:f.body.to]
		switch {
		case f.number == metaRequest && f.kind == wireBytes && e.inCall:
			dst = e.appendCall(dst, &f)
		case f.at == e.l.id.at && e.mut.NewID:
			dst = wire.AppendUvarint(append(dst, b[f.at:f.body.from]...), e.mut.ID)
		case f.kind == wireVarint && f.number <= metaContent && (e.about[f.number].set || e.about[f.number].remove):
			// It comes anew behind all others, or not at all.
		case f.number == metaUserFields && f.kind == wireBytes && e.form == userFields:
			dst = e.appendEntry(dst, &f)
		default:
			dst = append(dst, whole...)
		}
	}
	if e.mut.NewID && e.l.id.number == 0 {
		dst = wire.AppendUvarint(append(dst, tagID), e.mut.ID)
	}
	for number := range e.about {
		if ch := &e.about[number]; ch.set {
			dst = wire.AppendUvarint(append(dst, byte(number<<3)|byte(wireVarint)), ch.n)
		}
	}
	if e.form == userFields {
		dst = e.appendNew(dst, tagUserFields)
	}
	return dst
}
