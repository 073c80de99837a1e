package filter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// recorder is a Call that keeps what is recorded.
type recorder struct {
	Call
	seen []string
}

func (r *recorder) Record(m *Metric, op Op, n uint64, labels []string) {
	r.seen = append(r.seen, fmt.Sprintf("%s %d %d %s", m.Name, op, n, strings.Join(labels, "|")))
}

func TestMetricsRecord(t *testing.T) {
	r := &recorder{}
	counter := NewCounter(&Metric{Name: "c", Labels: []string{"a", "b"}})
	gauge := NewGauge(&Metric{Name: "g", Kind: KindGauge})
	histogram := NewHistogram(&Metric{Name: "h", Kind: KindHistogram, Labels: []string{"a"}})
	counter.Add(r, 1, "x", "y")
	counter.Add(r, 2, "x")
	counter.Add(r, 3, "x", "y", "z")
	counter.With("x", "").Add(r, 4)
	gauge.Add(r, 5)
	gauge.Add(r, -6)
	gauge.With().Set(r, 7)
	histogram.With(strings.Repeat("é", 100)).Record(r, 8)
	histogram.Record(r, 9, "bad \xff text")
	Counter{}.Add(r, 1, "nobody")
	Counter{}.With("nobody").Add(r, 1)
	want := []string{
		"c 0 1 x|y", "c 0 2 x|-", "c 0 3 x|y", "c 0 4 x|-", "g 0 5 ", "g 1 6 ", "g 2 7 ",
		"h 3 8 " + strings.Repeat("é", 64), "h 3 9 bad ? text",
	}
	if !slices.Equal(r.seen, want) {
		t.Errorf("got  %q\nwant %q", r.seen, want)
	}
}

// TestSeriesAreBounded has more combinations of labels than there may be, from many
// threads.
func TestSeriesAreBounded(t *testing.T) {
	m := &Metric{Name: "c", Labels: []string{"a", "b"}}
	counter := NewCounter(m)
	var wg sync.WaitGroup
	other := make([]int, 8)
	for worker := range other {
		wg.Go(func() {
			r := &recorder{}
			for i := range 2 * MaxSeries {
				counter.Add(r, 1, "tenant", strconv.Itoa(i))
			}
			for _, s := range r.seen {
				if strings.HasSuffix(s, " other|other") {
					other[worker]++
				}
			}
		})
	}
	wg.Wait()
	if n := len(*m.series.known.Load()); n != MaxSeries {
		t.Errorf("%d series, want %d", n, MaxSeries)
	}
	for worker, n := range other {
		if n != MaxSeries {
			t.Errorf("worker %d: %d of %d went to other, want %d", worker, n, 2*MaxSeries, MaxSeries)
		}
	}
	values := []string{"tenant", "one too many"}
	r := &recorder{}
	counter.Add(r, 1, values...)
	if values[1] != "one too many" || r.seen[0] != "c 0 1 other|other" {
		t.Errorf("the caller's values became %q, recorded was %q", values, r.seen)
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	m := &Metric{Name: "c", Labels: []string{"a"}}
	bound := NewCounter(m).With("x")
	var call Call = &sink{}
	if n := testing.AllocsPerRun(100, func() { bound.Add(call, 1) }); n != 0 {
		t.Errorf("a bound counter allocates %v times", n)
	}
}

// sink is a Call that keeps nothing.
type sink struct{ Call }

func (*sink) Record(*Metric, Op, uint64, []string) {}

func TestVerdicts(t *testing.T) {
	if (Verdict{}) != Continue || Continue == Reset || Reset == Paused {
		t.Error("verdicts cannot be compared")
	}
	for v, want := range map[Verdict]string{
		Continue: "continue", Reset: "reset", Paused: "paused", Answer([]byte("x")): "answer",
	} {
		if v.Kind().String() != want {
			t.Errorf("%v, want %s", v.Kind(), want)
		}
	}
	if string(Answer([]byte("x")).Message()) != "x" || Continue.Message() != nil {
		t.Error("messages are wrong")
	}
}
