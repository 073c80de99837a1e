package thrift

import (
	"encoding/binary"
	"slices"
)

// Types of messages. Source: Apache Thrift, doc/specs/thrift-rpc.md.
const (
	messageCall   = 1
	messageReply  = 2
	messageOneway = 4
)

// message is one in the binary protocol, with the id 7 and "hello" as its field 1. It
// is not written with the codec that is tested.
// Source: Apache Thrift, doc/specs/thrift-binary-protocol.md.
func message(kind byte, name string) []byte { return text(kind, name, "hello") }

// text is message with another text.
func text(kind byte, name, text string) []byte {
	const stringType, field = 11, 1
	b := sized([]byte{0x80, 1, 0, kind}, name)
	b = append(b, 0, 0, 0, 7, stringType, 0, field)
	return append(sized(b, text), 0)
}

// sized appends a text behind its length.
func sized(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

// framed puts a length in front.
func framed(payload ...[]byte) []byte { return sized(nil, string(slices.Concat(payload...))) }

// ttheader puts headers in front, of texts by texts and of texts by numbers.
// Source: cloudwego/gopkg, protocol/ttheader.
func ttheader(texts [][2]string, numbers map[uint16]string, payload []byte) []byte {
	short := func(b []byte, text string) []byte {
		return append(binary.BigEndian.AppendUint16(b, uint16(len(text))), text...)
	}
	info := binary.BigEndian.AppendUint16([]byte{0, 0, 0x01}, uint16(len(texts)))
	for _, t := range texts {
		info = short(short(info, t[0]), t[1])
	}
	info = binary.BigEndian.AppendUint16(append(info, 0x10), uint16(len(numbers)))
	for number, text := range numbers {
		info = short(binary.BigEndian.AppendUint16(info, number), text)
	}
	for len(info)%4 != 0 {
		info = append(info, 0)
	}
	head := binary.BigEndian.AppendUint16([]byte{0x10, 0, 0, 0, 0, 0, 0, 7}, uint16(len(info)/4))
	return framed(head, info, payload)
}
