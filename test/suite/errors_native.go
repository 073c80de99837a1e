package suite

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// native makes the call of a case without a client and tells what message answers it.
func (e *Errors) native(t *testing.T, port, name string) string {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(2 * ClientTimeout)); err != nil {
		t.Fatal(err)
	}
	frame := e.Frame(t, name)
	go func() { _, _ = conn.Write(frame) }() // a refusal may come before the end
	reply := make([]byte, 0, 4096)
	var m sdk.Message
	for {
		n, err := conn.Read(reply[len(reply):cap(reply)])
		if err != nil {
			t.Fatalf("%s: %v after %x", name, err, reply)
		}
		reply = reply[:len(reply)+n]
		m.Reset()
		if n, err := e.Decoder.Decode(sdk.FromServer, reply, &m); err == nil {
			m.Bytes = reply[:n]
			break
		}
	}
	if err := e.Decoder.Metadata(&m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return e.Native(&m)
}

// Enlarge makes the call of a case so large, or its metadata so ambiguous, that the
// case happens. Clients do the same.
func Enlarge(r *sdk.Request, name string) {
	switch name {
	case "large-message":
		r.Arguments[0].Value = strings.Repeat("x", 2<<20)
	case "large-at-server":
		r.Arguments[0].Value = strings.Repeat("x", 10_000)
	case "large-metadata":
		r.Metadata = append(r.Metadata, sdk.Entry{Key: []byte("large"), Value: []byte(strings.Repeat("x", 60_000))})
	case "two-spellings":
		r.Metadata = append(r.Metadata, sdk.Entry{Key: []byte("Lane"), Value: []byte("a")}, sdk.Entry{Key: []byte("lane"), Value: []byte("b")})
	}
}
