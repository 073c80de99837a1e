package suite

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// Mix is the mixed calls of a protocol's peers, by number, in a mix that repeats.
type Mix struct {
	// Calls is how many are compared on each path.
	Calls int
	// Methods are what the calls call, by number; "" is a method that no server has.
	Methods []string
	// OneWay is the method without an answer.
	OneWay string
	// Results are the beginnings of what the first calls give when nothing lies between.
	Results func(client, server peers.Peer) []string
}

// counts are how often the calls of one path call each method.
func (m *Mix) counts() map[string]int {
	counts := map[string]int{}
	for n := range m.Calls {
		if method := m.Methods[n%len(m.Methods)]; method != "" {
			counts[method]++
		}
	}
	return counts
}

// check makes sure that the direct calls are what they should be, so that equal
// results mean something.
func (m *Mix) check(t *testing.T, client, server peers.Peer, lines []string) {
	t.Helper()
	if len(lines) != m.Calls {
		t.Fatalf("%d lines of %d direct calls: %q", len(lines), m.Calls, lines[:min(len(lines), 10)])
	}
	results := m.Results(client, server)
	if len(results) != len(m.Methods) {
		t.Fatalf("%d results are known of %d kinds of calls", len(results), len(m.Methods))
	}
	for n, want := range results {
		if want = fmt.Sprint(n, " ", want); !strings.HasPrefix(lines[n], want) {
			t.Errorf("direct call: %q, want %q", lines[n], want)
		}
	}
}

func compare(t *testing.T, path string, want, got []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d lines, want %d", path, len(got), len(want))
	}
	wrong := 0
	for i := range min(len(got), len(want)) {
		if got[i] == want[i] {
			continue
		}
		if wrong++; wrong <= 5 {
			t.Errorf("%s:\n got %q\nwant %q", path, got[i], want[i])
		}
	}
	if wrong > 5 {
		t.Errorf("%s: %d calls of %d differ", path, wrong, len(want))
	}
}

// executions checks how often the server ran each method. One-way calls have no answer
// that would tell when they are through.
func (m *Mix) executions(t *testing.T, client peers.Peer, port string, paths int) {
	t.Helper()
	want := m.counts()
	for method := range want {
		want[method] *= paths
	}
	var got string
	for range 20 {
		got = strings.Join(peers.Call(t, client, port, "executions", 1, patience), "")
		missing := ""
		for method, n := range want {
			if !strings.Contains(got, fmt.Sprintf("%s=%d,", method, n)) && !strings.Contains(got, fmt.Sprintf("%s=%d}", method, n)) {
				missing = method
			}
		}
		if missing == "" {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Errorf("executions are %s, want %v", got, want)
}
