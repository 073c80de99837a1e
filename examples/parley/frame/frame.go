// Package frame reads and writes the messages of Parley, the protocol of this example:
// what a company's own libraries would have had for years. Client and server use it; the
// codec does not.
//
//	 0  1  'P'
//	 1  1  kind: 1 request, 2 one-way, 3 response, 4 error, 5 ping, 6 pong
//	 2  2  number of entries
//	 4  4  id
//	 8  4  length of all that follows
//	12     service and method, then key and value of each entry: a byte with the length
//	       in front of each; then the payload
//
// Numbers are big-endian. A response has no service and method. The payload of an error
// is its text, and its code is the entry "code".
package frame

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Kinds of messages.
const (
	Request  = 1
	OneWay   = 2
	Response = 3
	Error    = 4
	Ping     = 5
	Pong     = 6
)

const (
	headerSize = 12
	maxLength  = 1 << 20
)

// Frame is a message.
type Frame struct {
	Kind            byte
	ID              uint32
	Service, Method string
	Entries         [][2]string
	Payload         string
}

// Entry returns the value of an entry, "" if there is none.
func (f *Frame) Entry(key string) string {
	for _, e := range f.Entries {
		if e[0] == key {
			return e[1]
		}
	}
	return ""
}

// Append appends the message to dst.
func (f *Frame) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, 'P', f.Kind)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(f.Entries)))
	dst = binary.BigEndian.AppendUint32(dst, f.ID)
	dst = append(dst, 0, 0, 0, 0)
	words := []string{f.Service, f.Method}
	for _, e := range f.Entries {
		words = append(words, e[0], e[1])
	}
	for _, w := range words {
		w = w[:min(len(w), 255)]
		dst = append(append(dst, byte(len(w))), w...)
	}
	dst = append(dst, f.Payload...)
	binary.BigEndian.PutUint32(dst[start+8:], uint32(len(dst)-start-headerSize))
	return dst
}

// Read reads a message.
func Read(r *bufio.Reader) (*Frame, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[8:])
	if head[0] != 'P' || length > maxLength {
		return nil, fmt.Errorf("no message of Parley: %x", head)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	f := &Frame{Kind: head[1], ID: binary.BigEndian.Uint32(head[4:])}
	word := func() (w string, err error) {
		if len(body) == 0 || len(body) <= int(body[0]) {
			return "", errors.New("a word ends behind its message")
		}
		w, body = string(body[1:1+int(body[0])]), body[1+int(body[0]):]
		return w, nil
	}
	words := make([]string, 2+2*int(binary.BigEndian.Uint16(head[2:])))
	for i := range words {
		var err error
		if words[i], err = word(); err != nil {
			return nil, err
		}
	}
	f.Service, f.Method = words[0], words[1]
	for i := 2; i < len(words); i += 2 {
		f.Entries = append(f.Entries, [2]string{words[i], words[i+1]})
	}
	f.Payload = string(body)
	return f, nil
}
