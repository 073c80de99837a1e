package engine

// inbox holds the bytes of one direction that are not a whole message yet. What it
// hands out stays valid until the next add, so that outputs may point into it.
type inbox struct {
	buf   []byte
	start int // what lies before is consumed
}

// maxIdleBuffer is how much memory an empty buffer may keep.
const maxIdleBuffer = 64 << 10

// add returns all bytes that wait to be looked at: what was kept, and the chunks
// behind it. A single chunk with nothing before it is returned as it lies. Others are
// joined in scratch if that costs no more than the chunks are long; a message that
// comes in small pieces gathers in the inbox's own memory, each byte copied once.
func (i *inbox) add(chunks [][]byte, scratch *[]byte) (b []byte, own bool) {
	kept, n := i.buf[i.start:], 0
	for _, c := range chunks {
		n += len(c)
	}
	switch {
	case len(kept) == 0 && len(chunks) == 1:
		i.reset()
		return chunks[0], false
	case len(kept) <= n:
		b = (*scratch)[:0]
		b = append(b, kept...)
		for _, c := range chunks {
			b = append(b, c...)
		}
		*scratch = b
		i.reset()
		return b, false
	}
	if i.start > 0 {
		i.buf = i.buf[:copy(i.buf, kept)]
		i.start = 0
	}
	for _, c := range chunks {
		i.buf = append(i.buf, c...)
	}
	return i.buf, true
}

// keep stores what was left of the bytes that add returned.
func (i *inbox) keep(rest []byte, own bool) {
	if own {
		i.start = len(i.buf) - len(rest)
		return
	}
	i.buf = append(i.buf, rest...)
}

func (i *inbox) empty() bool { return i.start == len(i.buf) }
func (i *inbox) len() int    { return len(i.buf) - i.start }

func (i *inbox) reset() {
	if cap(i.buf) > maxIdleBuffer {
		i.buf = nil
	}
	i.buf, i.start = i.buf[:0], 0
}
