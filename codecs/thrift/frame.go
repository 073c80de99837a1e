package thrift

import (
	"encoding/binary"
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

var errTooLong = errors.New("the message does not fit into its transport")

// begin appends what stands in front of the envelope; finish fills in the lengths.
func (f form) begin(dst []byte, id uint64, headers []sdk.Entry) []byte {
	switch f.transport {
	case unframed:
		return dst
	case theader, ttheader:
		start := len(dst)
		dst = wire.AppendZeros(dst, infoAt)
		magic := uint16(theaderMagic)
		if f.transport == ttheader {
			magic = ttheaderMagic
		}
		binary.BigEndian.PutUint16(dst[start+magicAt:], magic)
		binary.BigEndian.PutUint32(dst[start+idAt:], uint32(id&0xffffffff))
		dst = f.appendInfo(dst, headers)
		words := (len(dst) - start - infoAt) / 4
		binary.BigEndian.PutUint16(dst[start+wordsAt:], uint16(min(words, maxWords+1))) //nolint:gosec // finish checks
		if f.inner {
			dst = wire.AppendZeros(dst, 4)
		}
		return dst
	case framed:
	}
	return wire.AppendZeros(dst, 4)
}

// appendInfo appends headers with their padding.
func (f form) appendInfo(dst []byte, headers []sdk.Entry) []byte {
	start := len(dst)
	id := byte(headerBinary)
	if f.protocol == compact {
		id = headerCompact
	}
	dst = append(dst, id, 0) // no transforms
	wide := f.transport == ttheader
	dst = append(dst, newHeaders(headers, wide)...)
	return wire.AppendZeros(dst, padding(len(dst)-start))
}

// padding is how much it takes to fill words.
func padding(n int) int { return -n & 3 }

// finish fills in the lengths of the message that starts at start.
func (f form) finish(b []byte, start int) ([]byte, error) {
	n := len(b) - start
	if n > maxLength {
		return b[:start], sdk.Unsupported("length", errTooLong)
	}
	if f.transport == unframed {
		return b, nil
	}
	if f.transport.headers() {
		words := int(binary.BigEndian.Uint16(b[start+wordsAt:]))
		if words > maxWords {
			return b[:start], sdk.Unsupported("headers", errTooLong)
		}
		if f.inner {
			payload := infoAt + 4*words
			if err := wire.PutLen32(b, start+payload, n-payload-4); err != nil {
				return b[:start], err
			}
		}
	}
	if err := wire.PutLen32(b, start, n-4); err != nil {
		return b[:start], err
	}
	return b, nil
}
