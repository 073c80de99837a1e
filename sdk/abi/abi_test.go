package abi

import (
	"math"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

func TestSlabForgetsStaleHandles(t *testing.T) {
	var s slab[int]
	values := make([]int, 100)
	handles := map[uint64]*int{}
	for i := range values {
		h := s.put(&values[i])
		if h == 0 || handles[h] != nil {
			t.Fatalf("handle %d", h)
		}
		handles[h] = &values[i]
	}
	for h, v := range handles {
		if s.get(h) != v || s.remove(h) != v || s.get(h) != nil || s.remove(h) != nil {
			t.Fatalf("handle %d", h)
		}
		again := s.put(v)
		if again == h || s.get(h) != nil || s.get(again) != v {
			t.Fatalf("handle %d was given out again", h)
		}
		s.remove(again)
	}
	if s.any() != 0 {
		t.Error("an empty slab has something")
	}
	for _, h := range []uint64{0, 1 << 40, math.MaxUint64} {
		if s.get(h) != nil {
			t.Errorf("handle %d finds something", h)
		}
	}
}

// TestRuntimeMetrics are numbers, whatever version of Go makes the library.
func TestRuntimeMetrics(t *testing.T) {
	if n := runtimeMetric("/sched/goroutines:goroutines"); n == 0 {
		t.Error("no goroutine runs")
	}
	for _, name := range []string{"/absent:bytes", "/gc/pauses:seconds"} {
		if n := runtimeMetric(name); n != 0 {
			t.Errorf("%s is %d", name, n)
		}
	}
}

// TestAnUpstreamRequestAllocatesNothing of this package's own. What the edges do is measured
// in package engine.
func TestAnUpstreamRequestAllocatesNothing(t *testing.T) {
	c, err := engine.ParseConfig([]byte(`{"name":"toy"}`), []sdk.Definition{testcodec.Definition()})
	if err != nil {
		t.Fatal(err)
	}
	worker, config := meltemiWorkerNew(), configs.put(&moduleConfig{engine: c})
	defer meltemiConfigDestroy(config)
	call := func() {
		h := meltemiBridgeOpen(worker, config, nil, nil)
		w := workerOf(worker)
		if b := w.bridges.get(uint64(h)); b == nil || b.failed {
			t.Fatal("the handle finds nothing")
		}
		w.deferred = append(w.deferred[:0], uint64(h))
		meltemiBridgeClosed(worker, h)
	}
	call()
	if n := testing.AllocsPerRun(1000, call); n > 0 {
		t.Errorf("%v allocations a call", n)
	}
}

// TestEachHookCrossesOnce into Go: the price of a crossing is about that of a call's
// decoding. The scheduler's hook crosses once for each answer that waits.
func TestEachHookCrossesOnce(t *testing.T) {
	crossing := regexp.MustCompile(`\bmeltemi[A-Z]\w*\(`)
	hook := regexp.MustCompile(`(?ms)^[\w ]*\benvoy_dynamic_module_on_(\w+)\([^{;]*\{\n(.*?)^\}`)
	seen := map[string]int{}
	for _, file := range []string{"hooks_network.c", "hooks_bridge.c", "hooks_listener.c", "hooks_filter.c"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range hook.FindAllStringSubmatch(string(text), -1) {
			seen[m[1]] = len(crossing.FindAllString(m[2], -1))
		}
	}
	for name, n := range seen {
		if n > 1 {
			t.Errorf("%s crosses %d times", name, n)
		}
	}
	for _, name := range []string{
		"network_filter_read", "network_filter_write", "upstream_http_tcp_bridge_encode_headers",
		"upstream_http_tcp_bridge_encode_data", "upstream_http_tcp_bridge_on_upstream_data",
		"http_filter_request_headers", "http_filter_response_headers",
	} {
		if seen[name] != 1 {
			t.Errorf("%s crosses %d times, want 1: the test looks at the wrong thing", name, seen[name])
		}
	}
}

// TestLingering: a response that was left open has its time, and takes no memory once its
// bridge is gone.
func TestLingering(t *testing.T) {
	w, now := &worker{}, time.Unix(1_000_000_000, 0)
	if w.overdue(now.Add(time.Hour)) {
		t.Error("something is overdue, and nothing lingers")
	}
	first := w.bridges.put(&bridge{})
	w.linger(first, now)
	if w.overdue(now.Add(lingerTime-1)) || !w.overdue(now.Add(lingerTime)) {
		t.Error("it is not overdue after its time")
	}
	for range 100_000 {
		h := w.bridges.put(&bridge{})
		w.linger(h, now)
		w.bridges.remove(h)
	}
	if n := cap(w.lingering); n > 16 || w.lingering[0].handle != first {
		t.Errorf("room for %d is kept for one", n)
	}
}
