package envoytest

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// SeesRepliesOfEnvoy has Envoy itself answer, before and after the filter had
// its say.
func (p Probe) SeesRepliesOfEnvoy(t *testing.T, version string) {
	t.Helper()
	closed := ClosedPort(t)
	server := Serve(t, func(net.Conn, testcodec.Message) {}) // says nothing
	slow := Route("/s/slow", "silent", map[string]any{"timeout": "0.1s"})
	envoy := p.with(t, version, "",
		[]any{Route("/s/closed", "closed", nil), slow},
		[]any{Bridge("closed", toy, closed), Bridge("silent", toy, server.Port)}, nil)
	client := Dial(t, envoy.Port("rpc"))
	for i, tt := range []struct{ method, cause, want string }{
		{"nowhere", "no_route", `answered=true code=UNIMPLEMENTED cause=no_route local=true native=0 upstream=false flags="NR" details="route_not_found"`},
		{"closed", "connect_failure", `answered=true code=UNAVAILABLE cause=connect_failure local=true native=0 upstream=true flags="UF`},
		{"slow", "timeout", `answered=true code=DEADLINE_EXCEEDED cause=timeout local=true native=0 upstream=true flags="UT" details="response_timeout"`},
	} {
		m := Told(uint64(i), "log-end", "set:seen=by the filter")
		m.Service, m.Method = "s", tt.method
		if got := client.Call(m); got.Entry("cause") != tt.cause {
			t.Errorf("%s: got %+v", tt.method, got)
		}
		if !envoy.Logs("end " + tt.method + " " + tt.want) {
			t.Errorf("%s: the log does not say %s:\n%s", tt.method, tt.want, envoy.Log())
		}
	}
	envoy.Eventually(p.Stat("open"), 0)
}

// ReplacesARefusal gives a reply of Envoy another text and cause.
func (p Probe) ReplacesARefusal(t *testing.T, version string) {
	t.Helper()
	envoy := p.with(t, version, "", []any{}, []any{}, nil)
	got := Dial(t, envoy.Port("rpc")).Call(Told(1, "set:a=b", "reply:overloaded"))
	if got.Entry("cause") != "overloaded" || got.Payload != "probe: overloaded" {
		t.Errorf("got %+v", got)
	}
}

// ReadsResponsesThatStayOpen reads the answers of servers whose connections
// are not used again: those responses do not end by themselves.
func (p Probe) ReadsResponsesThatStayOpen(t *testing.T, version string) {
	t.Helper()
	server := Serve(t, func(conn net.Conn, m testcodec.Message) {
		b := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, ID: m.ID, Payload: m.Payload, Entries: m.Entries})
		_, _ = conn.Write(append(b, b[:10]...)) // and the beginning of what nobody asked for
	})
	envoy := p.with(t, version, `{"payload":true}`, []any{Route("/", "server", nil)}, []any{Bridge("server", toy, server.Port)}, nil)
	client := Dial(t, envoy.Port("rpc"))
	for i, payload := range []string{"short", strings.Repeat("long ", 100_000)} {
		m := Told(uint64(i), "arguments", "result")
		m.Payload = payload
		got := client.Call(m)
		want := fmt.Sprintf("%d %s", len(payload), payload[:min(len(payload), 10)])
		if got.Payload != payload || got.Entry("argument-0") != want || got.Entry("result") != want {
			t.Errorf("got %v, %d bytes, argument %q, result %q", got.Status, len(got.Payload), got.Entry("argument-0"), got.Entry("result"))
		}
	}
	envoy.Eventually(p.Stat("open"), 0)
}
