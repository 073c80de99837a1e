package engine

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestLeavingClientsThatCannotBeAskedToGo drains connections of a protocol that has no
// go-away. A close that crosses a call loses it, so it comes together with an answer,
// or after a while without a call.
func TestLeavingClientsThatCannotBeAskedToGo(t *testing.T) {
	reply := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1})
	// called is an edge whose first call is open; drain has the connection manager say
	// that it wants no new streams soon, and answer has it respond.
	called := func(t *testing.T) (d *Downstream, drain, answer func() *Output) {
		t.Helper()
		c := config(t, `{"name":"toy"}`)
		c.kinds[0].goAwayer = nil
		d, m := opened(t, c, testcodec.Append(nil, callOf(1, "m"))...)
		written := func() *Output {
			if o := d.Write(epoch, [][]byte{m.written()}); !o.Wake {
				return o
			}
			return d.Wake(epoch)
		}
		drain = func() *Output {
			if err := m.writer.WriteGoAway(maxStreamID, http2.ErrCodeNo, nil); err != nil {
				t.Fatal(err)
			}
			return written()
		}
		stream := uint32(1)
		answer = func() *Output {
			m.respond(stream, reply, good()...)
			stream += 2
			return written()
		}
		return d, drain, answer
	}
	t.Run("in mid-call", func(t *testing.T) {
		_, drain, answer := called(t)
		if o := drain(); o.Close != CloseNone {
			t.Errorf("closed before the answer: %v", o.Close)
		}
		if o := answer(); o.Close != CloseAfterFlush || len(o.Peer) == 0 {
			t.Errorf("not closed together with the answer: %v after %d bytes", o.Close, len(o.Peer))
		}
	})
	t.Run("between calls", func(t *testing.T) {
		d, drain, answer := called(t)
		answer()
		if o := drain(); o.Close != CloseNone {
			t.Errorf("closed while the client may be sending: %v", o.Close)
		}
		if o := d.Read(epoch.Add(leaveGrace), [][]byte{testcodec.Append(nil, callOf(2, "m"))}); o.Close != CloseNone {
			t.Errorf("closed with a call: %v", o.Close)
		}
		if o := answer(); o.Close != CloseAfterFlush || len(o.Peer) == 0 {
			t.Errorf("not closed together with the next answer: %v after %d bytes", o.Close, len(o.Peer))
		}
	})
	t.Run("silent", func(t *testing.T) {
		d, drain, answer := called(t)
		answer()
		drain()
		if o := d.Wake(epoch.Add(leaveGrace / 2)); o.Close != CloseNone {
			t.Errorf("closed early: %v", o.Close)
		}
		if o := d.Wake(epoch.Add(leaveGrace)); o.Close != CloseAfterFlush {
			t.Errorf("not closed: %v", o.Close)
		}
	})
	t.Run("in the middle of a message", func(t *testing.T) {
		d, drain, answer := called(t)
		answer()
		d.Read(epoch, [][]byte{testcodec.Append(nil, callOf(2, "m"))[:30]})
		drain()
		if o := d.Wake(epoch.Add(leaveGrace)); o.Close != CloseNone {
			t.Errorf("closed under a message: %v", o.Close)
		}
	})
	t.Run("in the middle of a message that is refused", func(t *testing.T) {
		d, drain, answer := called(t)
		answer()
		declared := testcodec.Append(nil, callOf(2, "m"))
		binary.BigEndian.PutUint32(declared[20:], 17<<20)
		d.Read(epoch, [][]byte{declared})
		drain()
		if o := d.Wake(epoch.Add(leaveGrace)); o.Close != CloseNone {
			t.Errorf("closed under a message: %v", o.Close)
		}
	})
}
