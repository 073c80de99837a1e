package engine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errOtherKind   = errors.New("of the method that was called and the one that it became, one is declared one-way")
	errNoMethod    = errors.New("the message names no method")
	errContradicts = errors.New("a message of this kind cannot be changed")
)

// Values that never change.
var (
	valuePost     = []byte("POST")
	valueHTTP     = []byte("http")
	valueTrailers = []byte("trailers")
	valueOneway   = []byte(kindOneway)
)

// opaqueMethod is the method of a message that is passed without being read.
var opaqueMethod = []byte("-")

// Env is what an edge knows of its connection.
type Env struct {
	// LocalAddress is the connection's local address as host:port: the original
	// destination where the connection was redirected.
	LocalAddress []byte
	// Scratch is shared by the edges of a thread; nil makes one for this edge.
	Scratch *Scratch
}

// request makes the headers of a request or one-way message. Opaque says that
// service and method could not be read and need not be.
func (f *fields) request(c *Config, g *guarded, m *sdk.Message, env *Env, oneway, opaque bool) error {
	f.reset()
	path, err := f.path(c, m, opaque)
	if err != nil {
		return err
	}
	service := c.serviceOr(m.Service)
	if opaque {
		service = c.defaultService
	}
	f.add(nameMethod, valuePost)
	f.add(nameScheme, valueHTTP)
	f.add(nameAuthority, c.authorityOf(service, env))
	f.add(namePath, path)
	f.add(nameContentType, c.contentTypes[g.index])
	f.add(nameTE, valueTrailers)
	if m.Timeout > 0 {
		f.addTimeout(m.Timeout - c.margin)
	}
	if oneway {
		f.add(nameKind, valueOneway)
	}
	if opaque {
		return nil
	}
	if err := f.addViews(c, m); err != nil {
		return err
	}
	f.showViews()
	return nil
}

// path is "/<service>/<method>", both escaped.
func (f *fields) path(c *Config, m *sdk.Message, opaque bool) ([]byte, error) {
	service, method := c.serviceOr(m.Service), m.Method
	if opaque {
		service, method = c.defaultService, opaqueMethod
	}
	if len(method) == 0 {
		return nil, &sdk.CallError{Cause: sdk.CauseUnreadable, Element: "method", Offset: -1, Err: errNoMethod}
	}
	if n := len(service) + len(method); n > c.maxMetadataBytes {
		return nil, tooLarge("service and method", fmt.Errorf("%d bytes, limit %d (max_metadata_bytes)", n, c.maxMetadataBytes))
	}
	f.grow(2 + 3*(len(service)+len(method)))
	from := len(f.scratch)
	f.scratch = append(f.scratch, '/')
	f.scratch = appendSegment(f.scratch, service)
	f.scratch = append(f.scratch, '/')
	f.scratch = appendSegment(f.scratch, method)
	return f.tail(from), nil
}

// serviceOr is the service that a message names, or the one that stands for none.
func (c *Config) serviceOr(service []byte) []byte {
	if len(service) == 0 {
		return c.defaultService
	}
	return service
}

func (c *Config) authorityOf(service []byte, env *Env) []byte {
	if host, ok := c.hosts[string(service)]; ok {
		return host
	}
	if c.originalDst {
		return env.LocalAddress
	}
	return c.authority
}

// isOneway reports whether a call gets no answer: because its message says so, or
// because the configuration says so of its method.
func (c *Config) isOneway(m *sdk.Message) bool { return c.isOnewayAs(m.Kind, m.Service, m.Method) }

func (c *Config) isOnewayAs(kind sdk.Kind, service, method []byte) bool {
	if kind == sdk.KindOneWay || len(c.oneway) == 0 {
		return kind == sdk.KindOneWay
	}
	return c.oneway[string(c.serviceOr(service))+"/"+string(method)]
}

// requestMutation compares the headers of a request with what its frame says, and
// puts each difference into mut. An error refuses the call: it is not a request of
// this codec, or not the one that the headers tell of.
func (f *fields) requestMutation(c *Config, g *guarded, mut *sdk.Mutation, m *sdk.Message, headers []Field, opaque bool) error {
	f.reset()
	if err := checkRequest(c, g, m, headers); err != nil {
		return err
	}
	path, err := f.path(c, m, opaque)
	if err != nil {
		return err
	}
	got, _ := find(headers, ":path")
	if opaque {
		return opaqueUnchanged(path, got, headers)
	}
	if !bytes.Equal(path, got) {
		if err := f.pathMutation(c, mut, m, got); err != nil {
			return err
		}
		if c.isOnewayAs(m.Kind, orElse(mut.Service, m.Service), orElse(mut.Method, m.Method)) != c.isOneway(m) {
			return sdk.Unsupported(":path", errOtherKind) // somebody waits for an answer, or nobody does
		}
	}
	if err := f.addViews(c, m); err != nil {
		return err
	}
	return f.diff(c, mut, headers)
}

func orElse(b, otherwise []byte) []byte {
	if b == nil {
		return otherwise
	}
	return b
}

// checkRequest checks what no mutation can mend.
func checkRequest(c *Config, g *guarded, m *sdk.Message, headers []Field) error {
	if v, _ := find(headers, ":method"); string(v) != "POST" {
		return sdk.Malformed(":method", -1, fmt.Errorf("%q is not POST", v))
	}
	if v, _ := find(headers, "content-type"); !bytes.Equal(v, c.contentTypes[g.index]) {
		return sdk.Malformed("content-type", -1, fmt.Errorf("%q is not %q", v, c.contentTypes[g.index]))
	}
	kind, marked := find(headers, headerKind)
	if marked && string(kind) != kindOneway {
		return sdk.Malformed(headerKind, -1, fmt.Errorf("%q is not %q", kind, kindOneway))
	}
	if m.Kind != sdk.KindRequest && m.Kind != sdk.KindOneWay {
		return sdk.Malformed("body", -1, fmt.Errorf("a message of kind %v is not a call", m.Kind))
	}
	if oneway := c.isOneway(m); oneway != marked {
		return sdk.Malformed(headerKind, -1, fmt.Errorf("the frame's kind is %v, the headers say otherwise", m.Kind))
	}
	return nil
}

// opaqueUnchanged checks that nothing asks for a change of a message that cannot
// be read.
func opaqueUnchanged(path, got []byte, headers []Field) error {
	if !bytes.Equal(path, got) {
		return sdk.Unsupported(":path", errContradicts)
	}
	return noMetadata(headers)
}

// noMetadata refuses headers that would change a message that cannot be read.
func noMetadata(headers []Field) error {
	for i := range headers {
		if isMetadata(headers[i].Name) {
			return sdk.Unsupported("header "+string(headers[i].Name), errContradicts)
		}
	}
	return nil
}

// pathMutation reads service and method out of a path that differs from the
// frame's.
func (f *fields) pathMutation(c *Config, mut *sdk.Mutation, m *sdk.Message, path []byte) error {
	rest, ok := bytes.CutPrefix(path, []byte("/"))
	first, second, two := bytes.Cut(rest, []byte("/"))
	if !ok || !two || len(first) == 0 || len(second) == 0 || bytes.ContainsAny(second, "/?#") || bytes.ContainsAny(first, "?#") {
		return sdk.Malformed(":path", -1, fmt.Errorf("%q is not /service/method", path))
	}
	service, err := f.segment(first)
	if err != nil {
		return err
	}
	method, err := f.segment(second)
	if err != nil {
		return err
	}
	if !bytes.Equal(service, c.serviceOr(m.Service)) {
		mut.Service = service
	}
	if !bytes.Equal(method, m.Method) {
		mut.Method = method
	}
	return nil
}

// segment reads a segment of a path. It has to be spelled as path writes it: whoever
// matches paths knows that spelling alone.
func (f *fields) segment(s []byte) (b []byte, err error) {
	f.grow(len(s))
	from := len(f.scratch)
	if f.scratch, err = appendUnescaped(f.scratch, s, upperHex); err != nil {
		return nil, sdk.Malformed(":path", -1, err)
	}
	b = f.tail(from)
	f.grow(3 * len(b))
	from = len(f.scratch)
	f.scratch = appendSegment(f.scratch, b)
	if !bytes.Equal(f.tail(from), s) {
		return nil, sdk.Malformed(":path", -1, fmt.Errorf("%q: %w", s, errSpelling))
	}
	return b, nil
}
