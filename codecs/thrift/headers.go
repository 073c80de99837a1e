package thrift

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

var errTooBig = errors.New("headers do not fit into their size")

// headerEditor changes the headers of one message.
type headerEditor struct {
	*editor
	wide   bool
	set    []sdk.Entry
	done   []bool      // which of them are there already
	counts map[int]int // how many entries each block has got or lost
	blocks map[int]block
}

// editHeaders gives headers their values, in place where there are some with that key,
// and takes others out.
func (e *editor) editHeaders(set []sdk.Entry, remove [][]byte) error {
	if len(set)+len(remove) == 0 {
		return nil
	}
	h := headerEditor{
		editor: e, wide: e.transport == ttheader, set: set, done: make([]bool, len(set)),
		counts: map[int]int{}, blocks: map[int]block{},
	}
	for i := range set {
		if err := h.fits(&set[i]); err != nil {
			return err
		}
	}
	before := len(e.splices)
	r := newInfoReader(e.m.Bytes, &e.layout)
	for entry, ok := r.next(); ok; entry, ok = r.next() {
		h.blocks[r.block.index] = r.block
		h.change(&entry, remove)
	}
	if err := r.failure(); err != nil {
		return err
	}
	if len(e.splices) == before && !slices.Contains(h.done, false) {
		return nil // what was to be removed is not there
	}
	h.add(&r)
	for index, n := range h.counts {
		b := h.blocks[index]
		e.replace(b.n, appendNumber(nil, int(b.count)+n, h.wide)) //nolint:gosec // a count is less than the headers' size
	}
	return h.pad(before, r.at, len(r.b))
}

// fits refuses what has no place in a header.
func (h *headerEditor) fits(entry *sdk.Entry) error {
	if n := max(len(entry.Key), len(entry.Value)); h.wide && n > math.MaxUint16 {
		return sdk.Unsupported("header "+string(entry.Key), errTooBig)
	}
	return nil
}

// change applies what concerns one header.
func (h *headerEditor) change(entry *header, remove [][]byte) {
	for i := range h.set {
		if bytes.Equal(h.set[i].Key, entry.key) {
			h.replace(span{entry.valueAt, entry.at.to}, appendHeaderText(nil, h.set[i].Value, h.wide))
			h.done[i] = true
			return
		}
	}
	for _, key := range remove {
		if bytes.Equal(key, entry.key) {
			h.replace(entry.at, nil)
			if h.blocks[entry.block].kind != blockToken {
				h.counts[entry.block]--
			}
			return
		}
	}
}

// add adds what is not there to the last block of its kind, or in a new one behind all
// others.
func (h *headerEditor) add(r *infoReader) {
	var fresh []sdk.Entry
	for i := range h.set {
		if h.done[i] {
			continue
		}
		b := &r.texts
		if n, ok := numberOf(h.set[i].Key); h.wide && ok {
			if b = &r.numbers; b.index > 0 {
				h.replace(span{b.end, b.end}, appendNumbered(nil, n, h.set[i].Value))
			}
		} else if b.index > 0 {
			h.replace(span{b.end, b.end}, appendHeader(nil, &h.set[i], h.wide))
		}
		if b.index == 0 {
			fresh = append(fresh, h.set[i])
			continue
		}
		h.blocks[b.index] = *b
		h.counts[b.index]++
	}
	if len(fresh) > 0 {
		h.replace(span{r.at, r.at}, newHeaders(fresh, h.wide))
	}
}

// pad fills up the headers and sets their size. Between from and to stands what is no
// header: padding, which is made anew, or what is not known, which stays.
func (h *headerEditor) pad(before, from, to int) error {
	n := from - infoAt
	for _, s := range h.splices[before:] {
		n += len(s.text) - (s.to - s.from)
	}
	if bytes.Count(h.m.Bytes[from:to], []byte{0}) < to-from {
		n, from = n+to-from, to
	}
	fill := padding(n)
	if n += fill; n > 4*maxWords {
		return sdk.Unsupported("headers", errTooBig)
	}
	h.replace(span{from, to}, make([]byte, fill))
	h.replace(span{wordsAt, infoAt}, binary.BigEndian.AppendUint16(nil, uint16(n/4))) //nolint:gosec // at most maxWords
	return nil
}

// newHeaders are blocks with these headers.
func newHeaders(entries []sdk.Entry, wide bool) (b []byte) {
	var texts, numbers int
	for i := range entries {
		if _, ok := numberOf(entries[i].Key); wide && ok {
			numbers++
		} else {
			texts++
		}
	}
	if texts > 0 {
		b = appendNumber(append(b, blockText), texts, wide)
		for i := range entries {
			if _, ok := numberOf(entries[i].Key); !wide || !ok {
				b = appendHeader(b, &entries[i], wide)
			}
		}
	}
	if numbers > 0 {
		b = appendNumber(append(b, blockNumber), numbers, wide)
		for i := range entries {
			if n, ok := numberOf(entries[i].Key); ok {
				b = appendNumbered(b, n, entries[i].Value)
			}
		}
	}
	return b
}

func appendHeader(dst []byte, e *sdk.Entry, wide bool) []byte {
	return appendHeaderText(appendHeaderText(dst, e.Key, wide), e.Value, wide)
}

func appendNumbered(dst []byte, n int, value []byte) []byte {
	return appendHeaderText(appendNumber(dst, n, true), value, true)
}

func appendHeaderText(dst, text []byte, wide bool) []byte {
	return append(appendNumber(dst, len(text), wide), text...)
}

// appendNumber appends a length or a count, which fits into 16 bits if it is wide.
func appendNumber(dst []byte, n int, wide bool) []byte {
	if wide {
		return binary.BigEndian.AppendUint16(dst, uint16(n)) //nolint:gosec // whoever adds headers has checked
	}
	return wire.AppendUvarint(dst, uint64(n)) //nolint:gosec // lengths are not negative
}
