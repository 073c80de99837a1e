package thrift

// field is the head of a field.
type field struct {
	kind   wireType
	id     int16 // in the compact protocol the difference to the last one, if delta
	delta  bool
	inline bool // a bool of the compact protocol: the head is its value
	truth  bool // that value
	value  int  // where the value starts
}

// number is the id of the field, after one with the id last.
func (f *field) number(last int16) int16 {
	if f.delta {
		return last + f.id
	}
	return f.id
}

// readField reads the head of a field at b[at:].
func readField(b []byte, at int, p protocol) (f field, need int, err error) {
	if len(b) <= at {
		return f, at + 1, nil
	}
	if p == compact {
		return readCompactField(b, at)
	}
	f.kind, f.value = wireType(b[at]), at+1
	if f.kind == tStop {
		return f, 0, nil
	}
	if !f.kind.known(p) {
		return f, 0, errType
	}
	if len(b) < at+3 {
		return f, at + 3, nil
	}
	f.id, f.value = int16(b[at+1])<<8|int16(b[at+2]), at+3
	return f, 0, nil
}

func readCompactField(b []byte, at int) (f field, need int, err error) {
	head := b[at]
	f.kind, f.value = compactTypes[head&0x0f], at+1
	switch {
	case head&0x0f == 0:
		return f, 0, nil // whatever the other bits say, as in the readers of Apache Thrift
	case f.kind == tStop:
		return f, 0, errType
	case head>>4 != 0:
		f.id, f.delta = int16(head>>4), true
	default:
		v, next := varint(b, at+1, varint32)
		if next == 0 {
			return f, len(b) + 1, nil
		}
		if next < 0 {
			return f, 0, errVarint
		}
		f.id, f.value = int16(zigzag(v)&0xffff), next //nolint:gosec // ids have 16 bits
	}
	f.inline, f.truth = f.kind == tBool, head&0x0f == 1
	return f, 0, nil
}

// zigzag undoes the coding of signed numbers in varints.
func zigzag(v uint64) int64 {
	return int64(v>>1) ^ -int64(v&1)
}
