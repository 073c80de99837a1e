package engine

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// response makes the headers of a reply, without :status, which is 200. Opaque says that
// the codec could not read it.
func (f *fields) response(c *Config, g *guarded, m *sdk.Message, opaque bool) error {
	f.reset()
	f.add(nameContentType, c.contentTypes[g.index])
	f.addInt(nameGRPCStatus, int64(m.Status.Code))
	if m.Status.Code != sdk.OK && len(m.Status.Message) > 0 {
		f.addMessage(m.Status.Message)
	}
	if m.Status.Native != 0 {
		f.addInt(nameStatus, int64(m.Status.Native))
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

// failure makes the headers of a refusal by this edge, without a body.
func (f *fields) failure(c *Config, g *guarded, failure sdk.Failure) {
	f.reset()
	f.add(nameContentType, c.contentTypes[g.index])
	f.addInt(nameGRPCStatus, int64(failure.Code))
	if failure.Message != "" {
		f.addMessage([]byte(failure.Message))
	}
	f.add(nameCause, []byte(ownCause+failure.Cause.String()))
}

// maxStatusMessage bounds grpc-message, which must fit among the headers.
const maxStatusMessage = 1024

// addMessage adds grpc-message, percent-encoded.
// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
func (f *fields) addMessage(text []byte) {
	text = text[:min(len(text), maxStatusMessage)]
	f.grow(3 * len(text))
	from := len(f.scratch)
	for _, b := range text {
		if b < ' ' || b > '~' || b == '%' {
			f.scratch = append(f.scratch, '%', upperHex[b>>4], upperHex[b&15])
		} else {
			f.scratch = append(f.scratch, b)
		}
	}
	f.add(nameGRPCMessage, f.tail(from))
}

// percentDecoded undoes grpc-message's encoding. What is not an escape stays.
func percentDecoded(s []byte) string {
	if bytes.IndexByte(s, '%') < 0 {
		return string(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(string(s[i+1:i+3]), 16, 8); err == nil {
				b = append(b, byte(v))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// responseMutation compares the headers of a response with what its frame says,
// and puts each difference into mut.
func (f *fields) responseMutation(c *Config, g *guarded, mut *sdk.Mutation, m *sdk.Message, headers []Field, opaque bool) error {
	f.reset()
	if v, _ := find(headers, "content-type"); !bytes.Equal(v, c.contentTypes[g.index]) {
		return sdk.Malformed("content-type", -1, fmt.Errorf("%q is not %q", v, c.contentTypes[g.index]))
	}
	if opaque {
		return noMetadata(headers)
	}
	if err := f.addViews(c, m); err != nil {
		return err
	}
	return f.diff(c, mut, headers)
}
