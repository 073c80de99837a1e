package engine

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestFirstBytes decides on as few as it takes, and at once where nobody knows them.
func TestFirstBytes(t *testing.T) {
	rpc := string(testcodec.Append(nil, callOf(1, "m")))
	for name, tt := range map[string]struct {
		config, bytes string
		what          firstBytes
		decided       int // bytes that it takes
	}{
		"RPC":                     {`{"auto":["toy"]}`, rpc, isRPC, 2},
		"RPC alone on its port":   {`{"name":"toy"}`, rpc, isRPC, 1},
		"HTTP/2":                  {`{"auto":["toy"]}`, http2.ClientPreface, isHTTP, 24},
		"HTTP/2 to the RPC":       {`{"name":"toy"}`, http2.ClientPreface, isHTTP, 24},
		"HTTP/1":                  {`{"auto":["toy"]}`, "DELETE / HTTP/1.1", isHTTP, 7},
		"HTTP/1 to the RPC":       {`{"name":"toy"}`, "GET /", isRPC, 1}, // which gives it up
		"nothing":                 {`{"auto":["toy"]}`, "\x00", isNothing, 1},
		"no method of HTTP":       {`{"auto":["toy"]}`, "GEX", isNothing, 3},
		"nearly HTTP/2":           {`{"auto":["toy"]}`, "PRI * HTTP/1", isNothing, 12},
		"nearly HTTP/2, no auto":  {`{"name":"toy"}`, "PRI * HTTP/1", isRPC, 12},
		"another protocol":        {`{"auto":["toy"]}`, "TX", isNothing, 2},
		"HTTP/1, in another case": {`{"auto":["toy"]}`, "get / HTTP/1.1", isNothing, 1},
	} {
		d := NewDownstream(config(t, tt.config), Env{})
		for i := range tt.bytes {
			o := d.Read(epoch, [][]byte{[]byte(tt.bytes[i : i+1])})
			if d.mode == undecided {
				continue
			}
			if i+1 != tt.decided || d.mode != tt.what {
				t.Errorf("%s: %v after %d bytes, want %v after %d", name, d.mode, i+1, tt.what, tt.decided)
			}
			if o.PassThrough != (d.mode == isHTTP) || o.PassThrough && string(o.HTTP) != tt.bytes[:i+1] {
				t.Errorf("%s: passes %t with %q", name, o.PassThrough, o.HTTP)
			}
			if d.mode == isNothing && (o.Close == CloseNone || d.counts.deltas[MetricUnrecognised] != 1) {
				t.Errorf("%s: close %v, %d are counted", name, o.Close, d.counts.deltas[MetricUnrecognised])
			}
			break
		}
		if d.mode == undecided {
			t.Errorf("%s: undecided", name)
		}
	}
}

// undecidable asks for more bytes for ever.
type undecidable struct{ testcodec.Codec }

func (*undecidable) Sniff([]byte) sdk.Match { return sdk.MatchMaybe }

// TestSniffingIsBounded in bytes, whatever the codecs say, and in time.
func TestSniffingIsBounded(t *testing.T) {
	c := config(t, `{"auto":["toy"],"sniff_timeout":"2s"}`)
	c.kinds[0].sniffer = &undecidable{}
	d := NewDownstream(c, Env{})
	if o := d.Read(epoch, [][]byte{make([]byte, maxSniff-1)}); d.mode != undecided || o.Close != CloseNone {
		t.Errorf("after %d bytes: %v", maxSniff-1, d.mode)
	}
	if o := d.Read(epoch, [][]byte{{0}}); d.mode != isNothing || o.Close == CloseNone {
		t.Errorf("after %d bytes: %v, close %v", maxSniff, d.mode, o.Close)
	}

	for _, text := range []string{"P", "PRI", "GET", "T", strings.TrimSuffix(http2.ClientPreface, "\n")} {
		d := NewDownstream(config(t, `{"auto":["toy"],"sniff_timeout":"2s"}`), Env{})
		if o := d.Wake(epoch); o.Close != CloseNone || o.WakeIn > 0 {
			t.Errorf("%q: before the first byte: close %v, wake in %v", text, o.Close, o.WakeIn)
		}
		wakeIn := d.Read(epoch, [][]byte{[]byte(text[:1])}).WakeIn
		if wakeIn != 2*time.Second {
			t.Errorf("%q: to be woken in %v", text, wakeIn)
		}
		// More bytes do not give it more time.
		later := epoch.Add(1900 * time.Millisecond)
		if o := d.Read(later, [][]byte{[]byte(text[1:])}); d.mode != undecided || o.Close != CloseNone {
			t.Errorf("%q: %v, close %v", text, d.mode, o.Close)
		}
		if o := d.Wake(later); o.Close != CloseNone {
			t.Errorf("%q: closed early", text)
		}
		if o := d.Wake(epoch.Add(wakeIn)); o.Close == CloseNone || d.counts.deltas[MetricUnrecognised] != 1 {
			t.Errorf("%q: close %v, %d are counted", text, o.Close, d.counts.deltas[MetricUnrecognised])
		}
	}

	// What was decided in time is not closed when the time is over.
	d = NewDownstream(config(t, `{"auto":["toy"],"sniff_timeout":"2s"}`), Env{})
	b := testcodec.Append(nil, callOf(1, "m"))
	d.Read(epoch, [][]byte{b[:1]})
	d.Read(epoch, [][]byte{b[1:]})
	if o := d.Wake(epoch.Add(3 * time.Second)); o.Close != CloseNone || len(d.open) != 1 {
		t.Errorf("close %v, %d calls are open", o.Close, len(d.open))
	}
}
