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
