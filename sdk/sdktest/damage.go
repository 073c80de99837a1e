package sdktest

import (
	"encoding/binary"
	"iter"
	"math/rand/v2"
)

// damages are copies of b, each with something wrong: at many places a byte, or a number
// of two, four or eight bytes, that says too much or nothing, and parts that are missing
// or there twice. The slice is used again for the next.
func damages(b []byte, places int) iter.Seq[[]byte] {
	numbers := []uint64{0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff}
	return func(yield func([]byte) bool) {
		scratch := make([]byte, 0, 2*len(b)+16)
		for _, at := range spread(len(b), places) {
			for _, size := range []int{1, 2, 4, 8} {
				for _, n := range numbers {
					if at+size > len(b) || size < 8 && n>>(8*size) != 0 {
						continue
					}
					scratch = append(scratch[:0], b...)
					var big [8]byte
					binary.BigEndian.PutUint64(big[:], n)
					copy(scratch[at:], big[8-size:])
					if !yield(scratch) {
						return
					}
				}
			}
			if scratch = append(scratch[:0], b[:at]...); at > 0 && !yield(scratch) {
				return // cut
			}
			if scratch = append(append(scratch[:0], b[:at]...), b[at/2:]...); !yield(scratch) {
				return // a part twice
			}
			if scratch = append(append(scratch[:0], b[:at]...), b[min(len(b), at+3):]...); len(scratch) > 0 && !yield(scratch) {
				return // three bytes gone
			}
		}
	}
}

// spread are up to so many places in n bytes: half of them at the front, where headers
// are, the rest at equal distances.
func spread(n, places int) []int {
	var at []int
	for i := 0; i < n; {
		at = append(at, i)
		if i < places/2 {
			i++
		} else {
			i += max(1, 2*(n-places/2)/places)
		}
	}
	return at
}

// randomly damages b in place or by a copy of another part, as the generator says.
func randomly(b []byte, r *rand.Rand) []byte {
	for range 1 + r.IntN(4) {
		if len(b) == 0 {
			return []byte{0}
		}
		at := r.IntN(len(b))
		switch r.IntN(5) {
		case 0:
			b[at] = byte(r.UintN(256) & 0xff)
		case 1:
			b[at] ^= 1 << r.IntN(8)
		case 2:
			b = append(b[:at:at], b[min(len(b), at+1+r.IntN(8)):]...)
		case 3:
			from := r.IntN(len(b))
			part := b[from:min(len(b), from+1+r.IntN(32))]
			b = append(append(b[:at:at], part...), b[at:]...)
		case 4:
			var big [8]byte
			binary.BigEndian.PutUint64(big[:], r.Uint64()>>r.IntN(64))
			copy(b[at:], big[8-min(8, 1<<r.IntN(4)):])
		}
	}
	if len(b) == 0 {
		return []byte{0}
	}
	return b
}
