package brpc

import (
	"bytes"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errNoName      = errors.New("missing or empty")
	errDot         = errors.New("a '.' would make it the method of another service")
	errShortName   = errors.New("the name of a service without its package (full_names)")
	errNotASCII    = errors.New("not ASCII, so its lower case depends on the server (lower_case)")
	errStream      = errors.New("streams are not supported: they belong to one connection")
	errCredentials = errors.New("connections to servers are shared, and a server would take these credentials for those of every caller (shared_credentials)")
	errAttachment  = errors.New("longer than what follows the meta, or negative")
	errBothForms   = errors.New("user_fields beside ext_fields: configure the dialect")
	errExtField    = errors.New("neither a key nor a value may be missing")
)

// Metadata implements sdk.Codec.
func (c *Codec) Metadata(m *sdk.Message) error {
	l, err := layoutOf(m)
	if err != nil {
		return err
	}
	if m.Kind == sdk.KindResponse {
		err = c.outcome(m, &l)
	} else {
		err = c.called(m, &l)
	}
	if err != nil {
		return err
	}
	return l.showPayload(m)
}

// called reads a request.
func (c *Codec) called(m *sdk.Message, l *layout) error {
	switch {
	case l.credentials && !c.sharedCredentials:
		return &sdk.CallError{Cause: sdk.CauseDenied, Element: "authentication_data", Offset: -1, Err: errCredentials}
	case l.stream:
		return sdk.Unsupported("stream_settings", errStream)
	}
	k, offset, err := readCall(m.Bytes, l)
	if err != nil {
		return sdk.Malformed("request", offset, err)
	}
	m.Service, m.Method = k.last[callService].text(m.Bytes), k.last[callMethod].text(m.Bytes)
	if part, err := c.checkNames(m.Service, m.Method); err != nil {
		return sdk.Malformed(part, l.request, err)
	}
	if c.lowerCase {
		m.Service, m.Method = lower(m, m.Service), lower(m, m.Method)
	}
	for number, key := range numberKeys {
		if f := &k.last[number]; key != nil && f.number != 0 {
			m.Set(key, decimal(m, f.signed(number)))
		}
	}
	if ms := k.last[callTimeout].signed(callTimeout); ms > 0 {
		m.Timeout = time.Duration(ms) * time.Millisecond
	}
	return c.showMetadata(m, l, &k)
}

// checkNames refuses names by which servers would find another call than the one that is
// shown. part is the one that is wrong.
// Sources: apache/brpc, ProcessRpcRequest and Server::FindMethodPropertyByFullName;
// baidu/brpc-java, ServiceManager.buildServiceKey.
func (c *Codec) checkNames(service, method []byte) (part string, err error) {
	switch {
	case len(service) == 0:
		return "service_name", errNoName
	case len(method) == 0:
		return "method_name", errNoName
	case bytes.IndexByte(method, '.') >= 0:
		return "method_name", errDot
	case c.fullNames && bytes.IndexByte(service, '.') < 0:
		return "service_name", errShortName
	case c.lowerCase && !isASCII(service):
		return "service_name", errNotASCII
	case c.lowerCase && !isASCII(method):
		return "method_name", errNotASCII
	}
	return "", nil
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// lower is a name of ASCII in lower case.
func lower(m *sdk.Message, name []byte) []byte {
	if bytes.IndexFunc(name, func(r rune) bool { return r >= 'A' && r <= 'Z' }) < 0 {
		return name
	}
	name = m.Keep(name)
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
	return name
}

// signed is the value of a number in a request. Of a timeout, 32 bits count.
func (f *field) signed(number int) int64 {
	if number == callTimeout {
		return int64(f.int32())
	}
	return int64(f.n) //nolint:gosec // Protocol Buffers' int64
}

// int32 is the value of an int32: readers drop what does not fit.
func (f *field) int32() int32 { return int32(f.n & 0xffffffff) } //nolint:gosec // as they do

// form is where a request has its metadata.
type form byte

const (
	userFields form = iota // C++: field 9 of the meta; field 7 of the request is its id
	extFields              // Java: field 7 of the request
)

// formOf tells the form of a request that says k.
func (c *Codec) formOf(k *call) form {
	if c.dialect == dialectJava || c.dialect == dialectAuto && k.exts > 0 && k.others == 0 {
		return extFields
	}
	return userFields
}

// showMetadata makes entries of the metadata of a request.
func (c *Codec) showMetadata(m *sdk.Message, l *layout, k *call) error {
	if c.formOf(k) == extFields {
		if l.userFields > 0 && c.dialect == dialectAuto {
			return sdk.Malformed("user_fields", l.meta.from, errBothForms)
		}
		return l.showExtFields(m)
	}
	if id := &k.last[callSeven]; id.number != 0 {
		m.Set(requestIDKey, id.text(m.Bytes))
	}
	return l.showUserFields(m)
}

// showUserFields makes entries of user_fields. In a map the last of equal keys counts.
func (l *layout) showUserFields(m *sdk.Message) error {
	if l.userFields == 0 {
		return nil
	}
	r := fieldsOf(m.Bytes, l.meta)
	for f, ok := r.next(); ok; f, ok = r.next() {
		if f.number != metaUserFields || f.kind != wireBytes {
			continue
		}
		e := readEntry(m.Bytes, f.body)
		if e.err != nil {
			return sdk.Malformed("user_fields", e.at, e.err)
		}
		m.Set(shownKey(m, e.key.text(m.Bytes)), e.value.text(m.Bytes))
	}
	return nil
}

// showExtFields makes entries of ext_fields, which brpc-java puts into a map in their
// order.
func (l *layout) showExtFields(m *sdk.Message) error {
	meta := fieldsOf(m.Bytes, l.meta)
	for f, ok := meta.next(); ok; f, ok = meta.next() {
		if f.number != metaRequest || f.kind != wireBytes {
			continue
		}
		r := fieldsOf(m.Bytes, f.body)
		for g, ok := r.next(); ok; g, ok = r.next() {
			if g.number != callSeven || g.kind != wireBytes {
				continue
			}
			e := readEntry(m.Bytes, g.body)
			switch {
			case e.err != nil:
				return sdk.Malformed("ext_fields", e.at, e.err)
			case e.key.number == 0 || e.value.number == 0:
				return sdk.Malformed("ext_fields", g.at, errExtField)
			}
			m.Set(shownKey(m, e.key.text(m.Bytes)), e.value.text(m.Bytes))
		}
	}
	return nil
}

// showPayload makes entries of what the meta tells of the payload, where that is not the
// usual.
func (l *layout) showPayload(m *sdk.Message) error {
	if n := l.compress.int32(); n != 0 {
		m.Set(compressKey, named(m, compressNames, n))
	}
	if n := l.content.int32(); n != contentProtobuf {
		m.Set(contentKey, named(m, contentNames, n))
	}
	n := l.attachment.int32()
	if n < 0 || int(n) > len(m.Bytes)-l.meta.to {
		return sdk.Malformed("attachment_size", l.attachment.at, errAttachment)
	}
	if n != 0 {
		m.Set(attachmentKey, decimal(m, int64(n)))
	}
	return nil
}

// outcome reads a response.
func (c *Codec) outcome(m *sdk.Message, l *layout) error {
	meta := fieldsOf(m.Bytes, l.meta)
	code := int32(0)
	for f, ok := meta.next(); ok; f, ok = meta.next() {
		if f.number != metaResponse || f.kind != wireBytes {
			continue
		}
		r := fieldsOf(m.Bytes, f.body)
		for g, ok := r.next(); ok; g, ok = r.next() {
			switch {
			case g.number == replyCode && g.kind == wireVarint:
				code = g.int32()
			case g.number == replyText && g.kind == wireBytes:
				m.Status.Message = g.text(m.Bytes)
			}
		}
		if r.err != nil {
			return sdk.Malformed("response", r.at, r.err)
		}
	}
	m.Status.Code, m.Status.Native = c.codeOf(code), int(code)
	if code == 0 {
		m.Status.Message = nil
	}
	if c.dialect == dialectJava {
		return nil // it has no metadata in responses
	}
	return l.showUserFields(m)
}
