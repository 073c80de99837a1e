package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

var (
	duration = flag.Duration("soak", 0, "how long the soak lasts, over all Envoys; 0: as long as a test may")
	seed     = flag.Uint64("seed", 0, "what the calls are made of; 0: another one each time for a long soak, and always the same for a short one")
)

// allVersions are the supported Envoys, the newest first.
var allVersions = []string{"1.40.0", "1.39.3"}

// TestSoak bears the load, on the newest Envoy for a short time, or on each in turn for a
// long one.
func TestSoak(t *testing.T) {
	o := options{
		duration: 13 * time.Second, breath: time.Second, workers: 2, seed: theSeed(t), print: t.Logf,
		disturbances: []disturbance{routeChanges, serverRestarts},
	}
	versions := allVersions[:1]
	if *duration > 0 {
		versions = allVersions
		o.duration, o.breath, o.workers = *duration, min(5*time.Second, *duration/20), 3
		o.print = func(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }
	}
	o.duration /= time.Duration(len(versions))
	for _, o.version = range versions {
		t.Run(o.version, func(t *testing.T) {
			for _, problem := range soak(t, o) {
				t.Errorf("%s (seed %d)", problem, o.seed)
			}
		})
	}
}

// TestLeaksAreFound has a filter that leaves goroutines and memory behind, and clients
// that forget their connections: all of it has to be found, or TestSoak finds nothing.
func TestLeaksAreFound(t *testing.T) {
	problems := soak(t, options{version: allVersions[1], calls: 3000, breath: time.Second, workers: 3, seed: theSeed(t), leak: 50, print: t.Logf})
	for _, want := range []string{"handles grew", "goroutines grew", "open files grew", "bytes of Go's heap grew"} {
		if !strings.Contains(strings.Join(problems, "\n"), want) {
			t.Errorf("%s was not found: %q", want, problems)
		}
	}
}

// shortSeed is that of a run without flags: whether it fails is then no matter of luck.
const shortSeed = 1

func theSeed(t *testing.T) uint64 {
	t.Helper()
	n := *seed
	switch {
	case n != 0:
	case *duration == 0:
		n = shortSeed
	default:
		n = rand.Uint64() >> 1
	}
	t.Logf("seed %d (-args -seed=%d makes the same calls)", n, n)
	return n
}
