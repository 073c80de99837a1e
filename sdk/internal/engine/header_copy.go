package engine

// headerCopy keeps headers beyond the call that brought them.
type headerCopy struct {
	list  []Field
	bytes []byte
	size  int // of all names and values
}

func (h *headerCopy) reset() { h.list, h.bytes, h.size = h.list[:0], h.bytes[:0], 0 }

// append keeps a header of golang.org/x/net's decoder.
func (h *headerCopy) append(name, value string) {
	h.grow(len(name) + len(value))
	from := len(h.bytes)
	h.bytes = append(append(h.bytes, name...), value...)
	split := from + len(name)
	h.list = append(h.list, Field{h.bytes[from:split:split], h.bytes[split:len(h.bytes):len(h.bytes)]})
}

// add keeps a copy of a header.
func (h *headerCopy) add(name, value []byte) {
	h.grow(len(name) + len(value))
	from := len(h.bytes)
	h.bytes = append(append(h.bytes, name...), value...)
	split := from + len(name)
	h.list = append(h.list, Field{h.bytes[from:split:split], h.bytes[split:len(h.bytes):len(h.bytes)]})
}

// grow makes room without moving what was handed out.
func (h *headerCopy) grow(n int) {
	h.size += n
	if cap(h.bytes)-len(h.bytes) < n {
		h.bytes = make([]byte, 0, max(n, 2*cap(h.bytes), 256))
	}
}
