package thrift

import (
	"encoding/binary"
	"math"

	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// valueWriter appends values.
type valueWriter struct {
	b        []byte
	protocol protocol
}

// compactNumbers are the numbers of types in the compact protocol. A bool that is an
// element is numbered like true.
var compactNumbers = [20]byte{
	tBool: 1, tI8: 3, tI16: 4, tI32: 5, tI64: 6, tDouble: 7, tString: 8,
	tList: 9, tSet: 10, tMap: 11, tStruct: 12, tUUID: 13,
}

// field appends the head of a field that follows one with the id last. The compact
// protocol has bools in there, see boolField.
func (w *valueWriter) field(t wireType, id, last int16) {
	if w.protocol == compact {
		w.compactField(compactNumbers[t], id, last)
		return
	}
	w.b = wire.AppendUint16(append(w.b, byte(t)), uint16(id)) //nolint:gosec // ids are signed on the wire
}

func (w *valueWriter) compactField(number byte, id, last int16) {
	if delta := int(id) - int(last); delta > 0 && delta < 16 {
		w.b = append(w.b, byte(delta)<<4|number)
		return
	}
	w.b = append(w.b, number)
	w.varint(int64(id))
}

// boolField appends a field of type bool.
func (w *valueWriter) boolField(v bool, id, last int16) {
	if w.protocol != compact {
		w.field(tBool, id, last)
		w.bool(v)
		return
	}
	number := byte(2)
	if v {
		number = 1
	}
	w.compactField(number, id, last)
}

// stop ends a struct.
func (w *valueWriter) stop() { w.b = append(w.b, byte(tStop)) }

// bool appends a bool that is no field.
func (w *valueWriter) bool(v bool) {
	switch {
	case v:
		w.b = append(w.b, 1)
	case w.protocol == compact:
		w.b = append(w.b, 2)
	default:
		w.b = append(w.b, 0)
	}
}

// integer appends a number of type i8, i16, i32 or i64, which holds v.
func (w *valueWriter) integer(t wireType, v int64) {
	n := t.size(w.protocol)
	if n == 0 {
		w.varint(v)
		return
	}
	for i := n - 1; i >= 0; i-- {
		w.b = append(w.b, byte(v>>(8*i)&0xff))
	}
}

// varint appends a signed number as the compact protocol has it.
func (w *valueWriter) varint(v int64) {
	w.b = wire.AppendUvarint(w.b, uint64(v<<1)^uint64(v>>63)) //nolint:gosec // the coding is about the bits
}

// double appends a double.
func (w *valueWriter) double(v float64) {
	if w.protocol == compact {
		w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v))
		return
	}
	w.b = binary.BigEndian.AppendUint64(w.b, math.Float64bits(v))
}

// text appends a string.
func (w *valueWriter) text(s string) { w.b = appendText(w.b, w.protocol, s) }

// appendText appends a string or a name with its length.
func appendText(dst []byte, p protocol, s string) []byte {
	return append(appendLength(dst, p, len(s)), s...)
}

func appendLength(dst []byte, p protocol, n int) []byte {
	if p == compact {
		return wire.AppendUvarint(dst, uint64(n)) //nolint:gosec // lengths are not negative
	}
	return wire.AppendUint32(dst, uint32(min(n, math.MaxInt32))) //nolint:gosec // finish checks the whole message
}

// list appends the head of a list or a set.
func (w *valueWriter) list(element wireType, n int) {
	if w.protocol != compact {
		w.b = appendLength(append(w.b, byte(element)), w.protocol, n)
		return
	}
	if n < 15 {
		w.b = append(w.b, byte(n)<<4|compactNumbers[element]) //nolint:gosec // less than 15
		return
	}
	w.b = appendLength(append(w.b, 0xf0|compactNumbers[element]), w.protocol, n)
}

// mapOf appends the head of a map.
func (w *valueWriter) mapOf(key, value wireType, n int) {
	if w.protocol != compact {
		w.b = appendLength(append(w.b, byte(key), byte(value)), w.protocol, n)
		return
	}
	if w.b = appendLength(w.b, w.protocol, n); n > 0 {
		w.b = append(w.b, compactNumbers[key]<<4|compactNumbers[value])
	}
}
