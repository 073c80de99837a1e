package envoytest

import (
	"net"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// ChoosesTheRoute routes by what a filter says of a call, which the client
// cannot say itself, and by a method that the filter has changed.
func (p Probe) ChoosesTheRoute(t *testing.T, version string) {
	t.Helper()
	servers := map[string]*Server{}
	for _, name := range []string{"blue", "renamed", "other"} {
		servers[name] = Serve(t, func(conn net.Conn, m testcodec.Message) { Answer(conn, m, name) })
	}
	local := Route("/", "blue", nil)
	local["match"].(map[string]any)["headers"] = []any{map[string]any{"name": "x-rpc-local-tenant", "string_match": map[string]any{"exact": "blue one"}}}
	envoy := p.with(t, version, "",
		[]any{local, Route("/Renamed/method", "renamed", nil), Route("/", "other", nil)},
		[]any{Bridge("blue", toy, servers["blue"].Port), Bridge("renamed", toy, servers["renamed"].Port), Bridge("other", toy, servers["other"].Port)}, nil)
	client := Dial(t, envoy.Port("rpc"))
	for i, tt := range []struct {
		commands, want string
		entry          [2]string
	}{
		{"local:tenant=blue one", "blue", [2]string{"a", "b"}},
		{"local:tenant=red", "other", [2]string{"a", "b"}},
		{"method:Renamed=method", "renamed", [2]string{"a", "b"}},
		{"go:10s,5ms;local:tenant=blue one", "blue", [2]string{"a", "b"}},
		{"set:x=y", "other", [2]string{"local-tenant", "blue one"}}, // forged
	} {
		m := Told(uint64(i), tt.commands, "")
		m.Entries = append(m.Entries, tt.entry)
		if got := client.Call(m); got.Payload != tt.want {
			t.Errorf("%s: went to %s (%v), want %s", tt.commands, got.Payload, got.Status, tt.want)
		}
		seen := servers[tt.want].Seen()
		last := seen[len(seen)-1]
		for _, e := range last.Entries {
			if strings.Contains(e[0], "tenant") && tt.entry[0] == "a" {
				t.Errorf("%s: the server got the local entry %v", tt.commands, e)
			}
		}
	}
	if m := servers["renamed"].Seen()[0]; m.Service != "Renamed" || m.Method != "method" {
		t.Errorf("the server got %s/%s", m.Service, m.Method)
	}
}
