package dubbo

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Attachments that this codec knows. Source: Apache Dubbo, CommonConstants.
const (
	keyPath      = "path"
	keyVersion   = "version"
	keyGroup     = "group"
	keyTimeout   = "timeout"
	keyException = "exception"
)

// The keys of entries that are no attachments.
var (
	versionEntry   = []byte(keyVersion)
	exceptionEntry = []byte(keyException)
)

// The token of a request beyond its serialization: what Reply has to know.
const tokenAttachments = 1 << 8 // the client understands attachments in responses

var (
	errUnknownSerialization = errors.New("serialization is not known")
	errNotText              = errors.New("not a string")
	errNoService            = errors.New("the message names none")
	errServiceName          = errors.New("'/' and ':' would make it part of another group or version")
)

// Metadata implements sdk.Codec.
func (c *Codec) Metadata(m *sdk.Message) error {
	if m.Kind == sdk.KindResponse {
		return c.responseMetadata(m)
	}
	p := newParser(m)
	defer p.release()
	if err := p.parseRequest(); err != nil {
		return err
	}
	if understandsAttachments(p.dubboVersion.text) {
		m.Token |= tokenAttachments
	}
	return p.requestMetadata(m)
}

func (p *parser) parseRequest() error {
	if p.dialect == nil {
		return unknownSerialization(p.serial)
	}
	return p.dialect.parseRequest(p)
}

func (p *parser) parseResponse() error {
	if p.dialect == nil {
		return unknownSerialization(p.serial)
	}
	return p.dialect.parseResponse(p)
}

func unknownSerialization(serial byte) error {
	return sdk.Unreadable("serialization "+strconv.Itoa(int(serial)), 2, errUnknownSerialization)
}

// requestMetadata puts what was parsed into m.
func (p *parser) requestMetadata(m *sdk.Message) error {
	path, err := p.checkDispatch()
	if err != nil {
		return err
	}
	m.Service = p.service.text
	at := p.service.from
	if path != nil {
		m.Service, at = path.text, path.valueAt
	}
	m.Service = bytes.TrimPrefix(m.Service, []byte("/")) // as dubbo-go does
	if len(m.Service) == 0 {
		return sdk.Malformed("service", at, errNoService)
	}
	if bytes.IndexByte(m.Service, '/') >= 0 || bytes.IndexByte(m.Service, ':') >= 0 {
		return sdk.Malformed("service", at, errServiceName)
	}
	m.Method = p.method.text
	if p.generic {
		if p.target.null {
			return sdk.Malformed("first argument of "+string(p.method.text), p.target.from, errNotText)
		}
		m.Method = trimJava(p.target.text)
	}
	if len(p.version.text) > 0 {
		m.Set(versionEntry, p.version.text)
	}
	p.showAttachments(m, keyPath)
	if t, ok := m.Get(keyTimeout); ok {
		m.Timeout = milliseconds(t)
	}
	return nil
}

// checkDispatch refuses attachments that a provider could read as another call than
// the one that is shown. None of them is what a consumer sends. It returns the one
// that names the service, if there is one.
//
// A provider finds its service by the text "group/path:version:port" (Apache Dubbo,
// BaseServiceMetadata and GroupServiceKeyCache), so a path "g/a.B:2" would be the
// service a.B of group g in version 2; requestMetadata sees to that.
func (p *parser) checkDispatch() (path *attachment, err error) {
	if p.form == refAttachments {
		return nil, sdk.Malformed("attachments", p.mapFrom, errRefMap)
	}
	if p.oddKey != 0 {
		return nil, sdk.Malformed("attachment key", p.oddKey, errNotText)
	}
	for i := range p.attachments {
		a := &p.attachments[i]
		switch string(a.key) {
		case keyPath:
			path = a // the last one counts
		case keyVersion, keyGroup:
			if !a.isString && !p.dialect.isNull(p, a.valueAt) {
				return nil, sdk.Malformed("attachment "+string(a.key), a.valueAt, errNotText)
			}
		}
	}
	if path != nil && !path.isString {
		return nil, sdk.Malformed("attachment path", path.valueAt, errNotText)
	}
	return path, nil
}

// showAttachments makes entries of the attachments that are text, but for one.
// Where a key comes again, the last value counts, and if that is no text, none.
func (p *parser) showAttachments(m *sdk.Message, but string) {
	for i := range p.attachments {
		a := &p.attachments[i]
		if string(a.key) == but {
			continue
		}
		if a.scalar {
			m.Set(a.key, a.text)
		} else if _, ok := m.Get(string(a.key)); ok {
			m.Set(a.key, nil)
		}
	}
}

// milliseconds reads the timeout attachment, zero if it is none.
func milliseconds(text []byte) time.Duration {
	const longest = 1 << 40 // some decades; beyond it a Duration would overflow
	if len(text) > 15 {
		return 0
	}
	n := int64(0)
	for _, b := range text {
		if b < '0' || b > '9' {
			return 0
		}
		n = 10*n + int64(b-'0')
	}
	return time.Duration(min(n, longest)) * time.Millisecond
}

// trimJava trims as Java's String.trim does, which a provider applies to the name
// in a generic call (GenericFilter.invoke).
func trimJava(s []byte) []byte {
	return bytes.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

// understandsAttachments reports whether a client of that version reads attachments
// in responses: 2.0.2 to 2.0.99, what Apache Dubbo has sent since 2.6.3.
// Source: Apache Dubbo, Version.isSupportResponseAttachment.
func understandsAttachments(version []byte) bool {
	rest, ok := bytes.CutPrefix(version, []byte("2.0."))
	if !ok || len(rest) == 0 || len(rest) > 2 {
		return false
	}
	n, err := strconv.Atoi(string(rest))
	return err == nil && n >= 2
}
