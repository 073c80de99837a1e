package jsonb

import (
	"encoding/binary"
	"unicode/utf8"
)

// Marks of an object and of null.
const (
	Null        = tagNull
	Object      = tagObject
	ObjectEnd   = tagObjectEnd
	TypedObject = tagTyped
)

// AppendText appends text.
func AppendText(dst []byte, s string) []byte {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	switch {
	case ascii && len(s) < tagASCII-tagText:
		dst = append(dst, tagText+byte(len(s)))
	case ascii:
		dst = AppendInt(append(dst, tagASCII), int32(len(s))) //nolint:gosec // messages are below 2^31
	default:
		dst = AppendInt(append(dst, tagUTF8), int32(len(s))) //nolint:gosec // messages are below 2^31
	}
	return append(dst, s...)
}

// AppendInt appends a number of 32 bits.
func AppendInt(dst []byte, v int32) []byte {
	switch {
	case v >= -16 && v <= 47:
		return append(dst, byte(v))
	case v >= -2048 && v <= 2047:
		return append(dst, byte(0x38+v>>8), byte(v))
	case v >= -262144 && v <= 262143:
		return append(dst, byte(0x44+v>>16), byte(v>>8), byte(v))
	}
	return binary.BigEndian.AppendUint32(append(dst, tagInt32), uint32(v)) //nolint:gosec // two's complement
}

// AppendByte appends a byte, as Dubbo writes the type of a result.
func AppendByte(dst []byte, v byte) []byte { return append(dst, tagInt8, v) }
