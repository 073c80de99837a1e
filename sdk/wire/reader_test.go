package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"testing/quick"
)

func TestReaderReadsWhatWasAppended(t *testing.T) {
	property := func(a uint8, b uint16, c uint32, d, e uint64, rest []byte) bool {
		buf := []byte{a}
		buf = AppendUint16(buf, b)
		buf = AppendUint32(buf, c)
		buf = AppendUint64(buf, d)
		buf = AppendUvarint(buf, e)
		buf = append(buf, rest...)
		r := NewReader(buf)
		ok := r.Uint8() == a && r.Uint16() == b && r.Uint32() == c && r.Uint64() == d && r.Uvarint() == e
		return ok && r.Len() == len(rest) && bytes.Equal(r.Rest(), rest) && r.Err() == nil && r.Len() == 0
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
	// The standard library is the authority for the byte order.
	if got := AppendUint32(nil, 0x01020304); binary.BigEndian.Uint32(got) != 0x01020304 {
		t.Errorf("got %x", got)
	}
}

// TestReaderStopsAtTheEnd reads each kind of element from every input that is too
// short: nothing is read, the failure sticks, and the place is told.
func TestReaderStopsAtTheEnd(t *testing.T) {
	for name, read := range map[string]func(*Reader){
		"Uint8": func(r *Reader) { r.Uint8() }, "Uint16": func(r *Reader) { r.Uint16() },
		"Uint32": func(r *Reader) { r.Uint32() }, "Uint64": func(r *Reader) { r.Uint64() },
		"Uvarint": func(r *Reader) { r.Uvarint() }, "Bytes": func(r *Reader) { r.Bytes(1) },
		"negative": func(r *Reader) { r.Bytes(-1) }, "huge": func(r *Reader) { r.Bytes64(1 << 63) },
		"Count": func(r *Reader) { r.Count(1, 1) },
	} {
		r := NewReader([]byte{1})
		r.Uint8()
		read(&r)
		if !errors.Is(r.Err(), ErrShort) || r.Offset() != 1 || r.Len() != 0 {
			t.Errorf("%s: %v at %d", name, r.Err(), r.Offset())
		}
		if _, ok := r.Peek(); ok || r.Uint8() != 0 || r.Bytes(0) != nil {
			t.Errorf("%s: reads go on after a failure", name)
		}
	}
	r := NewReader(bytes.Repeat([]byte{0xff}, 11))
	if r.Uvarint(); !errors.Is(r.Err(), ErrVarint) {
		t.Errorf("eleven bytes of varint: %v", r.Err())
	}
}

func TestReaderViewsHaveNoSpareCapacity(t *testing.T) {
	b := []byte("abcdef")
	r := NewReader(b)
	if got := append(r.Bytes(3), 'x'); string(b) != "abcdef" || string(got) != "abcx" {
		t.Errorf("appending to a view changed the input to %q", b)
	}
	if got := append(r.Left(), 'x'); string(b) != "abcdef" || string(got) != "defx" {
		t.Errorf("Left is %q and the input %q", got, b)
	}
	r.Rewind(1)
	if got := r.Rest(); string(got) != "bcdef" {
		t.Errorf("after Rewind: %q", got)
	}
}

func TestLengthsThatDoNotFit(t *testing.T) {
	b := AppendZeros(nil, 4)
	if err := PutLen32(b, 0, 1<<33); err == nil {
		t.Error("a length of 33 bits fits into 32")
	}
	if err := PutLen16(b, 0, 1<<16); err == nil {
		t.Error("a length of 17 bits fits into 16")
	}
	if err := PutLen32(b, 0, 258); err != nil || !bytes.Equal(b, []byte{0, 0, 1, 2}) {
		t.Errorf("%v %x", err, b)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5}, []byte{0, 1, 2, 3, 4, 5, 6})
	f.Fuzz(func(t *testing.T, input, steps []byte) {
		r := NewReader(input)
		for _, s := range steps {
			before := r.Offset()
			switch s % 7 {
			case 0:
				r.Uint8()
			case 1:
				r.Uint16()
			case 2:
				r.Uint32()
			case 3:
				r.Uint64()
			case 4:
				r.Uvarint()
			case 5:
				r.Bytes(int(int8(s)))
			case 6:
				r.Count(uint64(s), int(s)%3)
			}
			if r.Offset() < before || r.Offset() > len(input) {
				t.Fatalf("offset went from %d to %d of %d", before, r.Offset(), len(input))
			}
		}
	})
}
