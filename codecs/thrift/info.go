package thrift

import (
	"encoding/binary"
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Blocks of headers. Sources: Apache Thrift, doc/specs/HeaderFormat.md;
// cloudwego/gopkg, protocol/ttheader.
const (
	blockPadding = 0x00
	blockText    = 0x01
	blockNumber  = 0x10 // TTHeader: keys are numbers
	blockToken   = 0x11 // TTHeader: a value without a key
)

var (
	errHeaders  = errors.New("not what headers look like")
	errReserved = errors.New("the name of a numbered header")
)

// header is an entry of headers, with places in the message.
type header struct {
	key, value []byte
	at         span // the whole entry, key and value
	valueAt    int  // the length of the value
	block      int  // the block that the entry is in
}

// block is a row of headers of one kind, with places in the message.
type block struct {
	index int // from 1
	kind  byte
	at    int  // its kind
	n     span // the number of entries
	count uint64
	end   int
}

// infoReader reads headers one after another. It does not allocate.
type infoReader struct {
	b       []byte // up to the end of the headers
	at      int
	wide    bool   // TTHeader's numbers have a fixed width, THeader's are varints
	left    uint64 // entries of the block
	block   block
	texts   block // the last block of texts; index 0 if there is none
	numbers block // and of numbers
	err     error
}

// newInfoReader returns a reader of the headers of the message in b, which l is the
// layout of.
func newInfoReader(b []byte, l *layout) infoReader {
	r := infoReader{b: b[:infoAt+4*int(binary.BigEndian.Uint16(b[wordsAt:]))], at: infoAt, wide: l.transport == ttheader}
	if r.wide {
		r.skip(1 + 1 + int(r.b[infoAt+1])) // protocol, transforms
		return r
	}
	r.varint()
	for n := r.varint(); n > 0 && r.err == nil; n-- {
		r.varint()
	}
	return r
}

// next returns the next header; ok is false at the end and at the first error.
func (r *infoReader) next() (h header, ok bool) {
	for r.left == 0 {
		r.endBlock()
		if !r.begin() {
			return h, false
		}
	}
	r.left--
	h.at.from, h.block = r.at, r.block.index
	switch r.block.kind {
	case blockNumber:
		h.key = numberedKey(r.uint16())
	case blockToken:
		h.key = tokenKey
		h.at.from = r.block.at
	default:
		h.key = r.text()
	}
	h.valueAt = r.at
	h.value = r.text()
	h.at.to = r.at
	return h, r.err == nil
}

// endBlock notes the last block of its kind.
func (r *infoReader) endBlock() {
	switch r.block.end = r.at; r.block.kind {
	case blockText:
		r.texts = r.block
	case blockNumber:
		r.numbers = r.block
	}
}

// begin begins the next block.
func (r *infoReader) begin() bool {
	at := r.at
	for r.wide && r.err == nil && r.at < len(r.b) && r.b[r.at] == blockPadding {
		r.at++
	}
	if r.err != nil || r.at >= len(r.b) {
		r.at = at // padding belongs to no block
		return false
	}
	next := block{index: r.block.index + 1, at: r.at}
	switch kind := r.kind(); {
	case kind == blockText, r.wide && kind == blockNumber:
		next.kind, next.n.from = kind, r.at
		next.count = r.number()
		next.n.to = r.at
	case r.wide && kind == blockToken:
		next.kind, next.count = blockToken, 1
	case r.wide:
		r.err = errHeaders
	default: // THeader's list ends at what is not known
		r.at = at
		return false
	}
	r.block, r.left = next, next.count
	return r.err == nil
}

// kind reads the kind of a block; what fits no byte is none that is known.
func (r *infoReader) kind() byte {
	if !r.wide {
		return byte(min(r.varint(), 0xff))
	}
	r.skip(1)
	return r.b[r.at-1]
}

func (r *infoReader) number() uint64 {
	if r.wide {
		return uint64(r.uint16())
	}
	return r.varint()
}

func (r *infoReader) text() []byte {
	n := r.number()
	if r.err != nil || n > uint64(len(r.b)-r.at) { //nolint:gosec // at <= len
		r.err = errHeadersEnd
		return nil
	}
	from := r.at
	r.at += int(n) //nolint:gosec // n <= len
	return r.b[from:r.at:r.at]
}

func (r *infoReader) varint() uint64 {
	if r.err != nil {
		return 0
	}
	v, next := varint(r.b, r.at, varint32)
	if next <= 0 || v > maxLength {
		r.err = errHeadersEnd
		return 0
	}
	r.at = next
	return v
}

func (r *infoReader) uint16() uint16 {
	at := r.at
	if r.skip(2); r.err != nil {
		return 0
	}
	return binary.BigEndian.Uint16(r.b[at:])
}

func (r *infoReader) skip(n int) {
	if r.err != nil || n > len(r.b)-r.at {
		r.err = errHeadersEnd
		return
	}
	r.at += n
}

// failure is what is wrong with the headers, if anything is.
func (r *infoReader) failure() error {
	if r.err == nil {
		return nil
	}
	return sdk.Malformed("headers", r.at, r.err)
}
