package sdktest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// check is one thing that a codec must hold.
type check struct {
	name string
	run  func(*checker)
}

// checks are all of them, the simplest first: later ones build on what they found.
var checks = []check{
	{"decode", checkDecode},
	{"prefixes", checkPrefixes},
	{"pieces", checkPieces},
	{"pipelining", checkPipelining},
	{"metadata", checkMetadata},
	{"unchanged", checkUnchanged},
	{"changes", checkChanges},
	{"awkward-changes", checkAwkwardChanges},
	{"replies", checkReplies},
	{"named-replies", checkNamedReplies},
	{"heartbeats", checkHeartbeats},
	{"go-away", checkGoAway},
	{"sniffing", checkSniffing},
	{"building", checkBuilding},
	{"damage", checkDamage},
	{"random-damage", checkRandomDamage},
	{"waiting", checkWaiting},
	{"many-entries", checkManyEntries},
	{"threads", checkThreads},
	{"allocations", checkAllocations},
}

// Checks are the names of the checks, in their order.
func Checks() []string {
	names := make([]string, len(checks))
	for i := range checks {
		names[i] = checks[i].name
	}
	return names
}

// Check makes all checks. It returns an error only where it cannot: without a codec, or
// without frames. It does not need a test, and may be called anywhere.
func Check(s Suite) (*Report, error) {
	if s.Codec == nil {
		return nil, errors.New("sdktest: the suite has no codec")
	}
	if len(s.Frames) == 0 {
		return nil, fmt.Errorf("sdktest: the suite for codec %s has no frames", s.Codec.Name())
	}
	for i := range s.Frames {
		if len(s.Frames[i].Bytes) == 0 {
			return nil, fmt.Errorf("sdktest: frame %q has no bytes", s.Frames[i].Name)
		}
	}
	for _, name := range s.Only {
		if !slices.Contains(Checks(), name) {
			return nil, fmt.Errorf("sdktest: there is no check %q; there are %s", name, strings.Join(Checks(), ", "))
		}
	}
	report := &Report{Codec: s.Codec.Name(), Frames: len(s.Frames)}
	for _, what := range checks {
		if len(s.Only) > 0 && !slices.Contains(s.Only, what.name) {
			continue
		}
		c := &checker{Suite: s, result: Result{Check: what.name}}
		ended := c.guard(what)
		result := c.outcome()
		report.Results = append(report.Results, result)
		if !ended {
			break // what hangs still runs, and would spoil the rest
		}
		if what.name == "decode" && result.Verdict == Failed {
			break // nothing can be said of what cannot be read
		}
	}
	return report, nil
}

// Run makes all checks, each as a test.
func Run(t *testing.T, s Suite) {
	t.Helper()
	report, err := Check(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range report.Results {
		t.Run(result.Check, func(t *testing.T) {
			for _, n := range result.Notes {
				t.Log(n)
			}
			for _, f := range result.Failures {
				t.Error(f.String())
			}
		})
	}
}
