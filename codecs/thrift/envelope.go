package thrift

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// protocol is how an envelope and values are written.
type protocol uint8

const (
	strict  protocol = iota // binary, with a version
	lax                     // binary, without
	compact                 // compact
)

// String returns the name that the configuration uses.
func (p protocol) String() string {
	switch p {
	case lax:
		return "lax"
	case compact:
		return "compact"
	case strict:
	}
	return "binary"
}

// messageType is what an envelope says of its message.
// Source: Apache Thrift, doc/specs/thrift-rpc.md.
type messageType byte

const (
	typeCall      messageType = 1
	typeReply     messageType = 2
	typeException messageType = 3
	typeOneway    messageType = 4
)

var typeNames = [...]string{typeCall: "CALL", typeReply: "REPLY", typeException: "EXCEPTION", typeOneway: "ONEWAY"}

func (t messageType) known() bool { return t >= typeCall && t <= typeOneway }

// The first bytes of an envelope with a version. The low bits of compact's second
// byte are the version, the high ones the message's type.
// Source: Apache Thrift, doc/specs/thrift-{binary,compact}-protocol.md.
const (
	strict0  = 0x80
	strict1  = 0x01
	compact0 = 0x82
	compact1 = 0x01

	compactVersion = 0x1f
	compactType    = 5 // how far the type is shifted
)

// maxName is the greatest length of a name, prefix of a service included.
const maxName = 1<<16 - 1

var (
	errVersion = errors.New("not the version of a protocol that is known")
	errName    = errors.New("longer than 65535 bytes")
	errNotName = errors.New("not a name")
)

// span is a part of a message.
type span struct{ from, to int }

// envelope is the head of a message, with places in it.
type envelope struct {
	protocol protocol
	kind     messageType
	nameAt   int // the length of the name
	name     span
	seqAt    span
	seq      uint32
	body     int // the struct
}

// readEnvelope reads the envelope at b[at:]. If b ends inside it, need is the length
// that b must have.
func readEnvelope(b []byte, at int, p protocol) (e envelope, need int, err error) {
	switch p {
	case strict:
		return readStrict(b, at)
	case lax:
		return readLax(b, at)
	case compact:
	}
	return readCompact(b, at)
}

func readStrict(b []byte, at int) (e envelope, need int, err error) {
	if len(b) < at+8 {
		return e, at + 8, nil
	}
	n := binary.BigEndian.Uint32(b[at+4:])
	if n > maxName {
		return e, 0, &sdk.ConnectionError{Element: "name", Offset: at + 4, Err: errName}
	}
	e = envelope{protocol: strict, kind: messageType(b[at+3]), nameAt: at + 4, name: span{at + 8, at + 8 + int(n)}}
	e.seqAt = span{e.name.to, e.name.to + 4}
	if e.body = e.seqAt.to; len(b) < e.body {
		return e, e.body, nil
	}
	e.seq = binary.BigEndian.Uint32(b[e.seqAt.from:])
	return e, 0, nil
}

func readLax(b []byte, at int) (e envelope, need int, err error) {
	if len(b) < at+4 {
		return e, at + 4, nil
	}
	n := binary.BigEndian.Uint32(b[at:])
	if n > maxName {
		return e, 0, &sdk.ConnectionError{Element: "name", Offset: at, Err: errName}
	}
	e = envelope{protocol: lax, nameAt: at, name: span{at + 4, at + 4 + int(n)}}
	e.seqAt = span{e.name.to + 1, e.name.to + 5}
	if e.body = e.seqAt.to; len(b) < e.body {
		return e, e.body, nil
	}
	e.kind = messageType(b[e.name.to])
	e.seq = binary.BigEndian.Uint32(b[e.seqAt.from:])
	return e, 0, nil
}

func readCompact(b []byte, at int) (e envelope, need int, err error) {
	if len(b) < at+4 {
		return e, at + 4, nil
	}
	e = envelope{protocol: compact, kind: messageType(b[at+1] >> compactType)}
	seq, next := varint(b, at+2, varint32)
	if next <= 0 {
		return e, len(b) + 1, tooLong(next, "sequence id", at+2)
	}
	e.seqAt, e.nameAt = span{at + 2, next}, next
	e.seq = uint32(seq & 0xffffffff)
	n, next := varint(b, e.nameAt, varint32)
	if next <= 0 {
		return e, len(b) + 1, tooLong(next, "name", e.nameAt)
	}
	if n > maxName {
		return e, 0, &sdk.ConnectionError{Element: "name", Offset: e.nameAt, Err: errName}
	}
	e.name = span{next, next + int(n)}
	if e.body = e.name.to; len(b) < e.body {
		return e, e.body, nil
	}
	return e, 0, nil
}

// tooLong is the error of a varint that did not end, if it cannot end any more.
func tooLong(next int, element string, at int) error {
	if next == 0 {
		return nil
	}
	return &sdk.ConnectionError{Element: element, Offset: at, Err: errVarint}
}

// appendEnvelope appends an envelope.
func appendEnvelope(dst []byte, p protocol, t messageType, name string, seq uint32) []byte {
	switch p {
	case strict:
		dst = appendText(append(dst, strict0, strict1, 0, byte(t)), p, name)
		return wire.AppendUint32(dst, seq)
	case lax:
		return wire.AppendUint32(append(appendText(dst, p, name), byte(t)), seq)
	case compact:
	}
	dst = wire.AppendUvarint(append(dst, compact0, byte(t)<<compactType|compact1), uint64(seq))
	return appendText(dst, p, name)
}

// isLaxName reports whether the name is one that an envelope without a version is told by.
func isLaxName(name string) bool {
	for i := range len(name) {
		if !inName(name[i]) {
			return false
		}
	}
	return name != "" && startsName(name[0])
}

// checkName refuses a name that no envelope of ours may have.
func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("%d bytes, not 1 to %d", len(name), maxName)
	}
	return nil
}
