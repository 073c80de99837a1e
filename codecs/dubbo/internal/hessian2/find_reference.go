package hessian2

// place is where a reader was.
type place struct{ offset, values, classes int }

// follow goes to the value that the next value, a reference, names. What it finds is
// there, since a reference names a value that has begun before it.
func (f *Finder) follow() {
	f.Uint8()
	n, end := f.Int(), f.Offset()
	if n < 0 || n >= f.values {
		f.Fail(ErrReference)
		return
	}
	f.back(place{offset: f.start})
	f.want, f.wanted = n+1, place{}
	for f.Err() == nil && f.wanted.offset == 0 && f.Offset() < end {
		f.Skip()
	}
	if f.want = 0; f.wanted.offset == 0 {
		f.Fail(ErrReference)
	}
	f.back(f.wanted)
}

// find notes where the wanted value stands, whose tag has been read.
func (r *Reader) find(tag byte) {
	counts := tag >= 0x60 && tag <= 0x7f || tag == 'H' || tag == 'M' || tag == 'O' || tag >= 'U' && tag <= 'X'
	if counts && r.values == r.want-1 && r.wanted.offset == 0 {
		r.wanted = r.place()
		r.wanted.offset--
	}
}

func (r *Reader) place() place { return place{r.Offset(), r.values, len(r.classes)} }

// back goes back to a place. Classes that were defined behind it will be so again.
func (r *Reader) back(p place) {
	r.Rewind(p.offset)
	r.values, r.classes, r.depth, r.ascii = p.values, r.classes[:min(p.classes, len(r.classes))], 0, 0
}
