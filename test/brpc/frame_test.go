package brpc

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of fields. Source: apache/brpc, src/brpc/policy/baidu_rpc_meta.proto, and for
// the seventh of a request baidu/brpc-java.
const (
	metaRequest     protowire.Number = 1
	metaResponse    protowire.Number = 2
	metaID          protowire.Number = 4
	metaCredentials protowire.Number = 7
	metaStream      protowire.Number = 8
	metaUserFields  protowire.Number = 9

	callService   protowire.Number = 1
	callMethod    protowire.Number = 2
	callExtField  protowire.Number = 7
	callRequestID protowire.Number = 7
	callTimeout   protowire.Number = 8

	replyCode protowire.Number = 1
	replyText protowire.Number = 2
)

// fields are encoded fields of a message. They are encoded with protowire, not with the
// codec that is tested.
type fields []byte

func (f fields) text(n protowire.Number, s string) fields {
	return protowire.AppendString(protowire.AppendTag(f, n, protowire.BytesType), s)
}

func (f fields) number(n protowire.Number, v uint64) fields {
	return protowire.AppendVarint(protowire.AppendTag(f, n, protowire.VarintType), v)
}

func (f fields) message(n protowire.Number, m fields) fields { return f.text(n, string(m)) }

// entry is a key with its value, in a map or an ext_field.
func (f fields) entry(n protowire.Number, key, value string) fields {
	return f.message(n, fields(nil).text(1, key).text(2, value))
}

// named is a request meta that names a method.
func named(service, method string) fields {
	return fields(nil).text(callService, service).text(callMethod, method)
}

// calling is a meta whose request is a call, with the id 7.
func calling(call fields) fields { return fields(nil).message(metaRequest, call).number(metaID, 7) }

// frame is a message with that meta, and a text as its payload.
func frame(meta fields, text string) []byte {
	payload := fields(nil).text(1, text)
	b := append([]byte("PRPC"), 0, 0, 0, 0, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(b[4:], uint32(len(meta)+len(payload)))
	binary.BigEndian.PutUint32(b[8:], uint32(len(meta)))
	return append(append(b, meta...), payload...)
}

// connection is a client of bRPC without a library.
type connection struct {
	t *testing.T
	net.Conn
}

func connect(t *testing.T, port string) connection {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return connection{t, conn}
}

// call sends a request and returns what its answer says: an error's code and text, or
// the text in the payload.
func (c connection) call(request []byte) (code uint64, text string) {
	c.t.Helper()
	if _, err := c.Write(request); err != nil {
		c.t.Fatal(err)
	}
	header := make([]byte, 12)
	if _, err := io.ReadFull(c, header); err != nil {
		c.t.Fatal(err)
	}
	body := make([]byte, min(binary.BigEndian.Uint32(header[4:]), 1<<20))
	if _, err := io.ReadFull(c, body); err != nil {
		c.t.Fatal(err)
	}
	meta := body[:min(int(binary.BigEndian.Uint32(header[8:])), len(body))]
	reply, _ := c.field(meta, metaResponse)
	_, code = c.field(reply, replyCode)
	if code != 0 {
		message, _ := c.field(reply, replyText)
		return code, string(message)
	}
	payload, _ := c.field(body[len(meta):], 1)
	return 0, string(payload)
}

// field is the last field of a message with that number.
func (c connection) field(message []byte, number protowire.Number) (bytes []byte, varint uint64) {
	c.t.Helper()
	for len(message) > 0 {
		n, kind, size := protowire.ConsumeField(message)
		if size < 0 {
			c.t.Fatalf("%x: %v", message, protowire.ParseError(size))
		}
		_, _, tag := protowire.ConsumeTag(message)
		if n == number {
			if kind == protowire.BytesType {
				bytes, _ = protowire.ConsumeBytes(message[tag:])
			} else {
				varint, _ = protowire.ConsumeVarint(message[tag:])
			}
		}
		message = message[size:]
	}
	return bytes, varint
}
