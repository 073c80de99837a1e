package thrift

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

// TestNobodyGetsTheAnswerOfAOneWayCall: a client says that a call is one-way whose method
// the server answers. The next client's call, with the same id, gets its own answer.
func TestNobodyGetsTheAnswerOfAOneWayCall(t *testing.T) {
	server := peers.Serve(t, goFramed)
	for _, version := range suite.Both {
		proxy := peers.Start(t, version, peers.Bridge("thrift", server.Port))
		for range 20 {
			sly, honest := dial(t, proxy.Port), dial(t, proxy.Port)
			// The answer is long, so that it is on its way for a while.
			if _, err := sly.Write(framed(text(messageOneway, "echo", strings.Repeat("stale", 100_000)))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(1500 * time.Microsecond)
			if _, err := honest.Write(framed(message(messageCall, "echo"))); err != nil {
				t.Fatal(err)
			}
			length := make([]byte, 4)
			if _, err := io.ReadFull(honest, length); err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			answer := make([]byte, binary.BigEndian.Uint32(length))
			if _, err := io.ReadFull(honest, answer); err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			if !strings.Contains(string(answer), "hello") {
				t.Fatalf("%s: the answer is %d bytes: %.60q", version, len(answer), answer)
			}
			_, _ = sly.Close(), honest.Close()
		}
	}
}

func dial(t *testing.T, port string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}
