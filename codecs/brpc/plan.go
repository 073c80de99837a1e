package brpc

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/sdk"
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

// callBits is how many bits the number in a field of a request has.
func callBits(number int) int {
	if number == callTimeout {
		return 32
	}
	return 64
}

// parseDecimal reads a number as it is shown: any other text would be shown otherwise
// afterwards.
func parseDecimal(text []byte, bits int) (int64, bool) {
	n, err := strconv.ParseInt(string(text), 10, bits)
	return n, err == nil && strconv.FormatInt(n, 10) == string(text)
}

// numberNamed is the number of an entry about the payload, by its name or its digits.
func numberNamed(number int, text []byte) (int64, bool) {
	names := compressNames
	switch number {
	case metaContent:
		names = contentNames
	case metaAttachment:
		names = nil
	}
	for n := range names {
		if bytes.Equal(names[n], text) {
			return int64(n), true
		}
	}
	return parseDecimal(text, 32)
}
