package testcodec

import (
	"encoding/binary"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Message is a message in words.
type Message struct {
	Kind            sdk.Kind
	ID              uint64
	Status          sdk.Code
	Timeout         time.Duration
	Service, Method string
	Entries         [][2]string
	Payload         string
}

// Append appends the message.
func Append(dst []byte, m Message) []byte {
	start := len(dst)
	dst = append(dst, 'T', 'Y', number(m.Kind), byte(m.Status))
	dst = binary.BigEndian.AppendUint64(dst, m.ID)
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.Timeout.Milliseconds()))
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Payload)))
	if m.Method != "" {
		dst = appendEntry(dst, []byte(keyService), []byte(m.Service))
		dst = appendEntry(dst, []byte(keyMethod), []byte(m.Method))
	}
	for _, e := range m.Entries {
		dst = appendEntry(dst, []byte(e[0]), []byte(e[1]))
	}
	binary.BigEndian.PutUint32(dst[start+16:], uint32(len(dst)-start-HeaderSize))
	return append(dst, m.Payload...)
}

// Parse reads the message at the front of b and returns what follows it. ok is
// false if it is not whole or not sound.
func Parse(b []byte) (m Message, rest []byte, ok bool) {
	c, raw := &Codec{}, &sdk.Message{}
	if len(b) == 0 {
		return m, b, false
	}
	n, err := c.Decode(sdk.FromClient, b, raw)
	if err != nil {
		return m, b, false
	}
	raw.Bytes = b[:n]
	// An application reads what a codec gives up on.
	if err := c.Metadata(raw); err != nil && string(raw.Method) != UnreadableMethod {
		return m, b, false
	}
	m = Message{
		Kind: raw.Kind, ID: raw.ID, Status: raw.Status.Code, Timeout: raw.Timeout,
		Service: string(raw.Service), Method: string(raw.Method),
		Payload: string(b[HeaderSize+int(binary.BigEndian.Uint32(b[16:])) : n]),
	}
	for _, e := range raw.Entries() {
		m.Entries = append(m.Entries, [2]string{string(e.Key), string(e.Value)})
	}
	return m, b[n:], true
}

// Entry returns the value of an entry, "" if there is none.
func (m Message) Entry(key string) string {
	for _, e := range m.Entries {
		if e[0] == key {
			return e[1]
		}
	}
	return ""
}

func number(k sdk.Kind) byte {
	for i, kind := range kinds {
		if kind == k {
			return byte(i)
		}
	}
	return 0
}

func appendEntry(dst, key, value []byte) []byte {
	dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(key))), key...)
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(value))), value...)
}
