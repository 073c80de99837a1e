package thrift

import (
	"bytes"
	"errors"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var errNoName = errors.New("a part of the name is empty")

// Metadata implements sdk.Codec.
func (c *Codec) Metadata(m *sdk.Message) error {
	l, _, err := c.locate(m.Bytes)
	switch {
	case err != nil:
		return err
	case l.bad != nil:
		return l.bad
	}
	if l.transport.headers() {
		if err := showHeaders(m, &l); err != nil {
			return err
		}
	}
	switch l.flaw {
	case transformed:
		return sdk.Unreadable("payload", l.payload, errTransform)
	case otherProtocol:
		return sdk.Unreadable("payload", l.payload, errNotThrift)
	case flawless, noType:
	}
	if m.Kind == sdk.KindResponse {
		return c.outcome(m, &l)
	}
	// A server would look for a service or a method of no name.
	if len(m.Method) == 0 || l.transport != ttheader && m.Service != nil && len(m.Service) == 0 {
		return sdk.Malformed("name", l.nameAt, errNoName)
	}
	return nil
}

// showHeaders makes entries of the headers. A key that comes again has its last
// value, as in the readers of Apache Thrift and Kitex.
func showHeaders(m *sdk.Message, l *layout) error {
	r := newInfoReader(m.Bytes, l)
	for h, ok := r.next(); ok; h, ok = r.next() {
		if h.key == nil {
			continue // a number without a name
		}
		if r.wide && r.block.kind == blockText {
			if string(h.key) == keyService && m.Kind != sdk.KindResponse {
				m.Service = h.value
				continue
			}
			if _, reserved := numberOf(h.key); reserved {
				return sdk.Malformed("header "+string(h.key), h.at.from, errReserved)
			}
		}
		m.Set(h.key, h.value)
	}
	if err := r.failure(); err != nil {
		return err
	}
	if m.Kind != sdk.KindResponse {
		m.Timeout = timeout(m, l.transport)
	}
	return nil
}

// timeout is how long a caller says that it waits.
func timeout(m *sdk.Message, t transport) time.Duration {
	key := keyClientTimeout
	if t == ttheader {
		key = keyRPCTimeout
	}
	text, _ := m.Get(key)
	n, _ := number(text)
	return time.Duration(max(n, 0)) * time.Millisecond
}

// number reads a decimal number of at most 12 digits.
func number(text []byte) (n int64, ok bool) {
	digits := bytes.TrimPrefix(text, []byte("-"))
	if len(digits) == 0 || len(digits) > 12 {
		return 0, false
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = 10*n + int64(d-'0')
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, true
}
