package cache

import (
	"encoding/binary"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// BenchmarkAsk is what an answer from the cache costs in the store, on one thread and on
// all at once: the lock is one for all of them.
func BenchmarkAsk(b *testing.B) {
	s, now := &store{}, time.Unix(0, 0)
	s.init(1<<30, 1<<20)
	const entries = 10_000
	var g gone
	keyOf := func(n uint64) (k key) {
		binary.BigEndian.PutUint64(k[:], n%entries)
		return k
	}
	for i := range uint64(entries) {
		s.put(&entry{key: keyOf(i), answer: []byte("answer"), expires: now.Add(time.Hour)}, now, &g)
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		n := uint64(0)
		for b.Loop() {
			n++
			if _, p := s.ask(keyOf(n), now, nil, &g); p != answered {
				b.Fatal("not there")
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		var start atomic.Uint64
		b.RunParallel(func(pb *testing.PB) {
			var g gone
			for n := start.Add(997); pb.Next(); n++ {
				if _, p := s.ask(keyOf(n), now, nil, &g); p != answered {
					b.Error("not there")
				}
			}
		})
	})
}

// BenchmarkHit is a whole call that is answered from the cache, in the host of tests: its
// message read twice, once for the key and once for its id.
func BenchmarkHit(b *testing.B) {
	h := filtertest.New(b, Definition(), shared, filtertest.WithCodecs(dubbo.Definition()))
	c, err := dubbo.Definition().New(nil)
	if err != nil {
		b.Fatal(err)
	}
	p := peer{"dubbo", c}
	for _, size := range []int{10, 10_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			r := p.request(b, 5, strings.Repeat("x", size))
			first := h.Begin(r)
			first.Respond(p.answer(b, r, strings.Repeat("y", size)))
			first.End()
			b.ReportAllocs()
			for b.Loop() {
				if got := h.Begin(r).End(); got.State != filtertest.Answered {
					b.Fatal(got.State)
				}
			}
		})
	}
}
