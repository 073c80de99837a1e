package mesh

import (
	"strings"
	"testing"
)

func TestChangesTo(t *testing.T) {
	for _, test := range []struct {
		name             string
		replace, with    string
		applied, restart string
	}{
		{"nothing", "", "", "", ""},
		{"comment", "\nclusters:", "\n# note\nclusters:", "", ""},
		{"route", "prefix: /", "prefix: /a", "routes of orders changed", ""},
		{"listener", "codec: dubbo\n  route_config", "codec: {name: dubbo, opaque: pass}\n  route_config", "listener orders changed", ""},
		{"renamed listener", "name: orders", "name: invoices", "listener invoices added; listener orders removed", ""},
		{"cluster", "127.0.0.1:1", "127.0.0.1:9", "cluster v1 changed", ""},
		{"new cluster", "clusters:\n", "clusters:\n- {name: v2, endpoints: [\"127.0.0.1:3\"]}\n", "cluster v2 added", ""},
		{"pinned cluster", "127.0.0.1:2", "127.0.0.1:9", "", "cluster metrics changed"},
		{"bootstrap", "stats_sinks:", "stats_flush_interval: 1s\nstats_sinks:", "", "stats_flush_interval added"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := parse(t, served)
			after := parse(t, strings.Replace(served, test.replace, test.with, 1))
			changes, err := before.ChangesTo(after, before)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(changes.Applied, "; "); got != test.applied {
				t.Errorf("applied %q, want %q", got, test.applied)
			}
			if got := strings.Join(changes.Restart, "; "); got != test.restart {
				t.Errorf("restart for %q, want %q", got, test.restart)
			}
		})
	}
}

func TestRestartIsAskedForUntilItHappens(t *testing.T) {
	started := parse(t, served)
	second := parse(t, served+"stats_flush_interval: 1s\n")
	changes, err := second.ChangesTo(second, started)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes.Restart) != 1 {
		t.Errorf("restart for %q: a second reload must not forget it", changes.Restart)
	}
}
