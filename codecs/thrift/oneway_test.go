package thrift

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestOneWayCallsThatMayBeAnswered are those of methods that nobody has declared.
func TestOneWayCallsThatMayBeAnswered(t *testing.T) {
	plain, mux := built(t, sdk.Request{Method: "ping", OneWay: true}), built(t, sdk.Request{Service: "Greeter", Method: "ping", OneWay: true})
	for _, c := range []struct {
		config string
		frame  []byte
		want   bool
	}{
		{"", plain, true},
		{`{"oneway":["ping"]}`, plain, false},
		{`{"oneway":["Greeter:ping"]}`, plain, true},
		{"", mux, true},
		{`{"oneway":["Greeter:ping"]}`, mux, false},
		{`{"oneway":["ping"]}`, mux, true},
	} {
		codec := codec(t, c.config)
		m := &sdk.Message{}
		n, err := codec.Decode(sdk.FromClient, c.frame, m)
		if err != nil || m.Kind != sdk.KindOneWay {
			t.Fatalf("%v %v", m.Kind, err)
		}
		m.Bytes = c.frame[:n]
		if err := codec.Metadata(m); err != nil {
			t.Fatal(err)
		}
		if got := codec.MayBeAnswered(m); got != c.want {
			t.Errorf("%s:%s with %s: %t", m.Service, m.Method, c.config, got)
		}
	}
}

func built(t *testing.T, r sdk.Request) []byte {
	t.Helper()
	b, err := codec(t, "").BuildRequest(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
