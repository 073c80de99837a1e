package engine

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestClientsThatCloseTheirSide: their one-way calls still go to the server, and nobody
// waits for the answers to others.
func TestClientsThatCloseTheirSide(t *testing.T) {
	oneway := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindOneWay, ID: 2, Service: "s", Method: "m"})
	// after is an edge whose client has sent these bytes, and then closed its side.
	after := func(t *testing.T, b []byte) (*Downstream, *manager, *Output) {
		t.Helper()
		d, m := opened(t, config(t, `{"name":"toy"}`), b...)
		d.Ended(epoch)
		return d, m, d.Read(epoch, nil)
	}
	for name, b := range map[string][]byte{
		"with a call":           testcodec.Append(nil, callOf(1, "m")),
		"with half a message":   oneway[:len(oneway)-1],
		"with too few to judge": oneway[:1],
	} {
		if _, _, o := after(t, b); o.Close != CloseAfterFlush {
			t.Errorf("%s: the connection stays", name)
		}
	}

	d, m, o := after(t, oneway)
	if o.Close != CloseNone {
		t.Fatal("the connection ends with a one-way call on its way")
	}
	m.respond(1, nil, good()...)
	if o := d.Write(epoch, [][]byte{m.written()}); !o.Wake || d.Wake(epoch).Close != CloseAfterFlush {
		t.Error("the connection stays when the one-way call has ended")
	}

	d, _, _ = after(t, oneway)
	if o := d.Wake(epoch.Add(endGrace / 2)); o.Close != CloseNone || o.WakeIn > endGrace {
		t.Errorf("early: %+v", o)
	}
	if o := d.Wake(epoch.Add(endGrace)); o.Close != CloseAfterFlush {
		t.Error("a one-way call without an end holds the connection")
	}

	// The last call comes together with the end.
	d, _ = opened(t, config(t, `{"name":"toy"}`), testcodec.Append(nil, callOf(1, "m"))...)
	d.Ended(epoch)
	if o := d.Read(epoch, [][]byte{oneway}); o.Close != CloseNone || len(o.HTTP) == 0 {
		t.Errorf("the last call is not sent: %d bytes, %v", len(o.HTTP), o.Close)
	}
}
