package engine

import (
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// long is a call whose message has a bit more than that many bytes.
func long(id uint64, n int) []byte {
	m := callOf(id, "m")
	m.Payload = strings.Repeat("x", n)
	return testcodec.Append(nil, m)
}

// TestUnfinishedMessagesOfClients have a bound together. The one that is too much is
// refused and skipped, and its connection goes on.
func TestUnfinishedMessagesOfClients(t *testing.T) {
	c := config(t, `{"name":"toy"}`)
	c.Budget = NewBudget(1 << 20)
	message := long(7, 700<<10)
	half := len(message) - 100
	first, _ := opened(t, c, message[:half]...)
	second, m := opened(t, c, message[:1000]...)
	o := second.Read(epoch, [][]byte{message[1000:half]})
	reply, _, ok := testcodec.Parse(o.Peer)
	if !ok || reply.ID != 7 || reply.Entry("cause") != "overloaded" || o.Close != CloseNone {
		t.Fatalf("the second client got %+v, close %v", reply, o.Close)
	}
	m.take(second.Read(epoch, [][]byte{message[half:], testcodec.Append(nil, callOf(8, "m"))}).HTTP)
	if len(m.order) != 1 {
		t.Errorf("a call behind the one that was refused: %d requests", len(m.order))
	}

	// Ended, in whatever way, they are counted no more.
	first.Read(epoch, [][]byte{message[half:]})
	if held := c.Budget.held.Load(); held != 0 {
		t.Errorf("%d bytes are counted, and all messages are complete", held)
	}
	first.Read(epoch, [][]byte{message[:half]})
	if held := c.Budget.held.Load(); held != int64(half) {
		t.Errorf("%d bytes are counted, and %d are held", held, half)
	}
	first.Closed()
	if held := c.Budget.held.Load(); held != 0 {
		t.Errorf("%d bytes are counted of a connection that is gone", held)
	}

	// One that is alone has its room, whatever the budget.
	alone, _ := opened(t, c, long(1, 1)...)
	message = long(9, 4<<20)
	for len(message) > 0 {
		n := min(len(message), 100_000)
		if o := alone.Read(epoch, [][]byte{message[:n]}); len(o.Peer) > 0 {
			t.Fatalf("alone: %q", o.Peer)
		}
		message = message[n:]
	}
	if got := alone.counts.deltas[MetricCalls]; got != 2 {
		t.Errorf("%d calls, want 2", got)
	}
}

// TestUnfinishedBodies of requests, likewise.
func TestUnfinishedBodies(t *testing.T) {
	c := config(t, `{"name":"toy"}`)
	c.Budget = NewBudget(1 << 20)
	message := long(1, 700<<10)
	half := len(message) - 100
	begin := func() (*Bridge, *BridgeOutput) {
		b := NewBridge(c)
		b.Headers(requestHeaders(), false)
		b.Data([][]byte{message[:1000]}, false)
		return b, b.Data([][]byte{message[1000:half]}, false)
	}
	first, _ := begin()
	second, o := begin()
	if o.Defer {
		t.Error("answered while the request is being encoded")
	}
	if o := second.Data([][]byte{message[half:]}, true); !o.Defer || len(o.ToServer) > 0 {
		t.Errorf("defer %t, %d bytes to the server", o.Defer, len(o.ToServer))
	}
	if got := show(second.Deferred().Response); !strings.Contains(got, "meltemi_overloaded") || !strings.Contains(got, "end=true") {
		t.Errorf("the second: %s", got)
	}
	if o := first.Data([][]byte{message[half:]}, true); len(o.ToServer) != len(message) {
		t.Errorf("the first: %d bytes to the server", len(o.ToServer))
	}
	first.Carried()
	if held := c.Budget.held.Load(); held != 0 || cap(first.body.buf)+cap(first.joined) > 2*maxIdleBuffer {
		t.Errorf("%d bytes are counted and %d kept of a request that has been sent", held, cap(first.body.buf)+cap(first.joined))
	}
	reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1})
	if got := show(first.FromServer([][]byte{reply}, false).Response); !strings.Contains(got, "grpc-status=0") {
		t.Errorf("the first: %s", got)
	}
	third, _ := begin()
	third.Release()
	if held := c.Budget.held.Load(); held != 0 {
		t.Errorf("%d bytes are counted of a request that is gone", held)
	}
}
