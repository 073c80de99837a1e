package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// maxErrorTexts bounds how many different errors a summary keeps apart.
const maxErrorTexts = 20

// callSummary counts what became of many calls. Its methods may be called from several
// goroutines at once.
type callSummary struct {
	oneWay  bool
	wanted  int
	elapsed time.Duration

	mu        sync.Mutex
	ok        int
	failed    int
	servers   map[string]int
	errors    map[string]int
	latencies latencies // of calls that were answered
	usage     error     // the first error of usage
}

func newCallSummary(o *callOptions) *callSummary {
	return &callSummary{oneWay: o.oneWay, wanted: o.repeat, servers: make(map[string]int), errors: make(map[string]int)}
}

func (s *callSummary) add(r *callResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.ok() {
		s.ok++
	} else {
		s.failed++
		s.errors[s.errorText(r)]++
	}
	if cli.CodeOf(r.err) == cli.Usage && s.usage == nil {
		s.usage = r.err
	}
	if r.reply == nil {
		return
	}
	s.latencies = append(s.latencies, r.latency)
	if name, ok := serverName(r.reply.View.Result); ok {
		s.servers[name]++
	}
}

// errorText is the text by which failures are counted together.
func (s *callSummary) errorText(r *callResult) string {
	text := failureText(r)
	if _, known := s.errors[text]; !known && len(s.errors) >= maxErrorTexts {
		return "other errors"
	}
	return text
}

// serverName finds the name that `meltemi serve` puts into its answers.
func serverName(result any) (string, bool) {
	if inside, ok := jsonInside(result); ok {
		var answer struct{ Server *string }
		if json.Unmarshal(inside, &answer) != nil || answer.Server == nil {
			return "", false
		}
		return *answer.Server, true
	}
	switch m := result.(type) {
	case map[string]any:
		name, ok := m["server"].(string)
		return name, ok
	case sdk.OrderedMap:
		for _, e := range m {
			if e.Key == "server" {
				name, ok := e.Value.(string)
				return name, ok
			}
		}
	}
	return "", false
}

// tally is a counted text.
type tally struct {
	text  string
	count int
}

// ranked sorts by count, the greatest first, and then by text.
func ranked(counts map[string]int) []tally {
	list := make([]tally, 0, len(counts))
	for _, text := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, tally{text, counts[text]})
	}
	slices.SortStableFunc(list, func(a, b tally) int { return cmp.Compare(b.count, a.count) })
	return list
}
