package engine

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// What the hosts of layer-7 filters share with the edges: one spelling of calls as
// headers, and codecs behind their barrier.

// HeaderKind marks one-way calls, HeaderReset a response that does not end by itself.
const (
	HeaderKind  = headerKind
	HeaderReset = headerReset
)

// CodecOf returns which of the codecs speaks in a request with that content-type.
func (c *Config) CodecOf(contentType []byte) (index int, ok bool) {
	index = slices.IndexFunc(c.contentTypes, func(t []byte) bool { return bytes.Equal(t, contentType) })
	return index, index >= 0
}

// CodecConfig is the JSON that a codec was made of, nil if it has no configuration.
func (c *Config) CodecConfig(codec int) []byte { return c.codecConfigs[codec] }

// IsTracing reports whether a lower-case name is that of a header that stands for the
// metadata entry of the same name.
func (c *Config) IsTracing(name []byte) bool { return c.isTracing(name) }

// IsMetadataHeader reports whether a header stands for a metadata entry, tracing aside.
func IsMetadataHeader(name []byte) bool { return isMetadata(name) }

// IsLocalHeader reports whether a header stands for an entry of this proxy alone.
func IsLocalHeader(name []byte) bool {
	return len(name) > len(localPrefix) && string(name[:len(localPrefix)]) == localPrefix
}

// AppendMetadataName appends the name of the header of a metadata entry, without the
// mark of an escaped value.
func AppendMetadataName(dst, key []byte) []byte { return appendKey(append(dst, prefix...), key) }

// AppendLocalName appends the name of the header of a local entry, without that mark.
func AppendLocalName(dst, key []byte) []byte {
	return appendEscapedName(append(dst, localPrefix...), key)
}

// AppendMetadataKey appends the key of a metadata entry's header.
func AppendMetadataKey(dst, name []byte) ([]byte, error) {
	return appendUnkey(dst, plainName(name)[len(prefix):])
}

// AppendLocalKey appends the key of a local entry's header.
func AppendLocalKey(dst, name []byte) ([]byte, error) {
	return appendUnescaped(dst, plainName(name)[len(localPrefix):], lowerHex)
}

// PlainName is a header's name without the mark of an escaped value.
func PlainName(name []byte) []byte { return plainName(name) }

// AppendValue appends a value as its header holds it. If it had to be escaped, the
// header's name gets the mark '~'.
func AppendValue(dst, value []byte) (text []byte, marked bool) {
	if validValue(value) {
		return append(dst, value...), false
	}
	return appendMarkedValue(dst, value), true
}

// AppendPlainValue appends the value that a header holds.
func AppendPlainValue(dst, name, value []byte) ([]byte, error) {
	if len(plainName(name)) == len(name) {
		return append(dst, value...), nil
	}
	return appendUnescaped(dst, value, upperHex)
}

// AppendPath appends the path of a call.
func AppendPath(dst, service, method []byte) []byte {
	dst = appendSegment(append(dst, '/'), service)
	return appendSegment(append(dst, '/'), method)
}

var errPath = errors.New("it is not /service/method as a proxy writes it")

// ParsePath reads service and method out of a path that is spelled as AppendPath
// writes it.
func ParsePath(path []byte) (service, method string, err error) {
	rest, absolute := bytes.CutPrefix(path, slash)
	first, second, two := bytes.Cut(rest, slash)
	if !absolute || !two || len(first) == 0 || len(second) == 0 {
		return "", "", errPath
	}
	if isPlain(first) && isPlain(second) {
		text := string(rest)
		return text[:len(first)], text[len(first)+1:], nil
	}
	a, err := appendUnescaped(nil, first, upperHex)
	if err != nil {
		return "", "", err
	}
	b, err := appendUnescaped(nil, second, upperHex)
	if err != nil {
		return "", "", err
	}
	if !bytes.Equal(AppendPath(nil, a, b), path) {
		return "", "", errPath
	}
	return string(a), string(b), nil
}

var slash = []byte("/")

// isPlain reports whether a segment stands for itself, as almost all do.
func isPlain(s []byte) bool {
	dots := true
	for _, b := range s {
		if !segmentBytes[b] {
			return false
		}
		dots = dots && b == '.'
	}
	return !dots
}

// timeoutUnit is a unit of grpc-timeout, 0 if it is none.
func timeoutUnit(b byte) time.Duration {
	switch b {
	case 'H':
		return time.Hour
	case 'M':
		return time.Minute
	case 'S':
		return time.Second
	case 'm':
		return time.Millisecond
	case 'u':
		return time.Microsecond
	case 'n':
		return time.Nanosecond
	}
	return 0
}

// ParseTimeout reads grpc-timeout: at most eight digits and a unit. Zero: it is none.
// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
func ParseTimeout(text []byte) time.Duration {
	if len(text) < 2 || len(text) > 9 {
		return 0
	}
	n, err := strconv.ParseInt(string(text[:len(text)-1]), 10, 64)
	unit := timeoutUnit(text[len(text)-1])
	if err != nil || n < 0 || unit == 0 {
		return 0
	}
	if n > int64(math.MaxInt64/unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}

// Find returns the value of a header, joined with commas if it is repeated.
func Find(list []Field, name string) (value []byte, ok bool) { return find(list, name) }

// IsLocalReply reports whether no server said what the headers of a response say.
func IsLocalReply(headers []Field) bool {
	_, told := find(headers, headerCause)
	return told || statusOf(headers) != 200
}

// FailureOf reads a response that carries no message of the protocol.
func FailureOf(headers []Field) sdk.Failure { return failureOf(headers, nil) }

// StatusOf reads the status of a server's answer in the headers of its response.
func StatusOf(headers []Field) (s sdk.Status) {
	if v, ok := find(headers, "grpc-status"); ok {
		if n, err := strconv.ParseUint(string(v), 10, 8); err == nil {
			s.Code = sdk.Code(n)
		}
	}
	if v, ok := find(headers, headerStatus); ok {
		s.Native, _ = strconv.Atoi(string(v)) // an edge wrote it
	}
	if v, ok := find(headers, "grpc-message"); ok {
		s.Message = []byte(percentDecoded(v))
	}
	return s
}

// OwnDetails is how the cause of a filter's reply stands in Envoy's response code
// details, from which the client's edge reads it again.
func OwnDetails(cause sdk.Cause, filter string) string {
	return ownDetails + cause.String() + "[" + filter + "]"
}

// CodeOf is the gRPC code that a failure of that cause counts as.
func CodeOf(cause sdk.Cause) sdk.Code {
	if code, ok := causeCodes[cause]; ok {
		return code
	}
	return sdk.Unknown
}

// ReplyFields are the headers of a reply of a filter, beside those that Envoy adds to
// each reply of its own.
func ReplyFields(f sdk.Failure) []Field {
	return []Field{
		{nameGRPCStatus, strconv.AppendInt(nil, int64(f.Code), 10)},
		{nameCause, []byte(ownCause + f.Cause.String())},
	}
}

// View shows what the codec can tell of one whole message. The codec reads it alone:
// one that keeps state of connections begins anew.
func (c *Config) View(codec int, from sdk.Side, message []byte) (sdk.View, error) {
	r := c.reader(codec)
	m := &sdk.Message{}
	if err := r.read(from, message, m); err != nil {
		return sdk.View{}, err
	}
	return r.view(m)
}

// Rewrite returns one whole message with the changes that change makes in the mutation,
// the message itself if there are none.
func (c *Config) Rewrite(codec int, from sdk.Side, message []byte, change func(*sdk.Message, *sdk.Mutation)) ([]byte, error) {
	r := c.reader(codec)
	m, mut := &sdk.Message{}, &sdk.Mutation{}
	if err := r.read(from, message, m); err != nil {
		return nil, err
	}
	change(m, mut)
	if mut.Empty() {
		return message, nil
	}
	return r.encode(nil, m, mut)
}

// reader reads single messages.
type reader struct{ guarded }

func (c *Config) reader(codec int) *reader {
	return &reader{guarded{cfg: c, codec: c.codecs[codec], index: codec, counts: &Counts{}}}
}

// read reads b, which is one whole message.
func (r *reader) read(from sdk.Side, b []byte, m *sdk.Message) error {
	if err := r.frame(from, b, m); err != nil {
		return err
	}
	return r.metadata(m)
}

// frame finds out whether b is one whole message.
func (r *reader) frame(from sdk.Side, b []byte, m *sdk.Message) error {
	if p := r.kind().perConnection; p != nil && !r.connect(p) {
		return errNoState
	}
	if len(b) == 0 {
		return errNoBody
	}
	n, err := r.decode(from, b, m)
	switch {
	case errors.Is(err, sdk.ErrNeedMore):
		return errIncomplete
	case err != nil:
		return err
	case n != len(b):
		return errBehind
	}
	m.Bytes = b
	return nil
}

var errNoView = errors.New("the codec shows no arguments")

func (r *reader) view(m *sdk.Message) (v sdk.View, err error) {
	viewer, ok := r.codec.(sdk.Viewer)
	if !ok {
		return v, errNoView
	}
	defer r.recover("View", func(cause error) { err = internalError(cause) })
	return viewer.View(m)
}

// Whole reports whether b is one whole message of a server.
func (c *Config) Whole(codec int, b []byte) bool {
	return c.reader(codec).frame(sdk.FromServer, b, &sdk.Message{}) == nil
}
