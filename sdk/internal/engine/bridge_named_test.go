package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// called makes a call of a method on the way to another one, and returns the bridge.
func called(t *testing.T, c *Config, method, changed string) *Bridge {
	t.Helper()
	b := NewBridge(c)
	headers := requestHeaders()
	headers[1].Value = []byte("/com.foo.Bar/" + changed)
	b.Headers(headers, false)
	o := b.Data([][]byte{testcodec.Append(nil, callOf(1, method))}, true)
	if m, _, ok := testcodec.Parse(o.ToServer); !ok || m.Method != changed {
		t.Fatalf("the server gets %q", o.ToServer)
	}
	b.Carried()
	return b
}

// replyAs is a reply that names a method.
func replyAs(method string) [][]byte {
	return [][]byte{testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: 1, Service: "com.foo.Bar", Method: method, Payload: "fine"})}
}

// TestRepliesGetTheNameBack: the client gets its answer under the method that it called,
// and so does the next one, whose bridge is the same.
func TestRepliesGetTheNameBack(t *testing.T) {
	c := config(t, `{"name":"toy"}`)
	for _, tt := range []struct{ method, changed, replied, want string }{
		{"get", "other", "other", "get"},
		{"aMethodOfALongerName", "m", "m", "aMethodOfALongerName"},
		{"get", "get", "strange", "strange"}, // nothing was changed
		{"get", "other", "", ""},             // not every reply has a name
	} {
		b := called(t, c, tt.method, tt.changed)
		o := b.FromServer(replyAs(tt.replied), false)
		if o.Response == nil || !o.Response.End {
			t.Fatal(show(o.Response))
		}
		if m, rest, ok := testcodec.Parse(o.Response.Body); !ok || len(rest) > 0 || m.Method != tt.want || m.Payload != "fine" || m.ID != 1 {
			t.Errorf("%+v: the client gets %+v", tt, m)
		}
		b.Release()
	}
}

// TestRepliesThatCannotBeReadKeepTheirName: the client may understand them.
func TestRepliesThatCannotBeReadKeepTheirName(t *testing.T) {
	b := called(t, config(t, `{"name":"toy"}`), "get", "other")
	o := b.FromServer(replyAs(testcodec.UnreadableMethod), false)
	if m, _, _ := testcodec.Parse(o.Response.Body); m.Method != testcodec.UnreadableMethod || m.Payload != "fine" {
		t.Errorf("the client gets %+v", m)
	}
}

// nameless cannot name replies.
type nameless struct {
	testcodec.Codec
	panics bool
}

func (n *nameless) NameReply([]byte, *sdk.Message, []byte) ([]byte, error) {
	if n.panics {
		panic("no name")
	}
	return []byte("anything"), sdk.Unsupported("name", errors.New("no place for it"))
}

func TestRepliesThatCannotBeNamed(t *testing.T) {
	for _, codec := range []*nameless{{}, {panics: true}} {
		c, err := ParseConfig([]byte(`{"name":"toy"}`), []sdk.Definition{{Name: "toy", New: func([]byte) (sdk.Codec, error) { return codec, nil }}})
		if err != nil {
			t.Fatal(err)
		}
		o := called(t, c, "get", "other").FromServer(replyAs("other"), false)
		got := show(o.Response)
		for _, want := range []string{"grpc-status=13", "meltemi_bad_response", "end=true"} {
			if !strings.Contains(got, want) || len(o.Response.Body) > 0 {
				t.Errorf("panics %t: %s", codec.panics, got)
			}
		}
		if n := o.Counts.deltas[MetricPanics]; (n == 1) != codec.panics {
			t.Errorf("panics %t: %d are counted", codec.panics, n)
		}
		// A reply to a call that nothing changed is not touched.
		o = called(t, c, "get", "get").FromServer(replyAs("get"), false)
		if m, _, _ := testcodec.Parse(o.Response.Body); m.Payload != "fine" {
			t.Errorf("panics %t: %s", codec.panics, show(o.Response))
		}
	}
}
