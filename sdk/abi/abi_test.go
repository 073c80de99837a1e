package abi

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
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

func TestMemoryLimit(t *testing.T) {
	for text, want := range map[string]int64{
		"": defaultMemoryLimit, "off": math.MaxInt64, "1000": 1000, "256MiB": 256 << 20, "2GiB": 2 << 30, "4KiB": 4096,
	} {
		if got, ok := parseMemoryLimit(text); !ok || got != want {
			t.Errorf("%q: %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"x", "-1", "0", "99999999999GiB", "MiB"} {
		if got, ok := parseMemoryLimit(text); ok || got != defaultMemoryLimit {
			t.Errorf("%q: %d, %t", text, got, ok)
		}
	}
}

func TestListsThatEnvoyMustRefuse(t *testing.T) {
	fine := sdk.Definition{Name: "a", New: func([]byte) (sdk.Codec, error) { return nil, nil }} //nolint:nilnil // never called
	for want, list := range map[string][]sdk.Definition{
		"carries no codec":       nil,
		`"a" is listed twice`:    {fine, fine},
		"codec 1 has no name":    {fine, {New: fine.New}},
		`"b" has no constructor`: {{Name: "b"}},
	} {
		if err := check(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := check([]sdk.Definition{fine}); err != nil {
		t.Error(err)
	}
}
