package soak

import (
	"fmt"
	"testing"
	"time"
)

// trend is what was measured at each rest.
type trend struct{ samples []sample }

func (t *trend) add(s sample) { t.samples = append(t.samples, s) }

// quantities are what must not grow by more than a margin. What is lost at each
// thousandth call shows within minutes in the numbers of things. Go's heap is what it was
// at its last collection, in the middle of the load, and resident memory is also what
// allocators keep: so the margins of these are wide, and wider for a few rests. They are
// for memory that is lost and that no number tells of: 200 bytes at each call, or a
// mebibyte at each thousandth.
var quantities = []struct {
	name        string
	of          func(*sample) int
	margin, few int
}{
	{"handles", func(s *sample) int { return s.handles }, 0, 0},
	{"goroutines", func(s *sample) int { return s.goroutines }, 3, 3},
	{"open files", func(s *sample) int { return s.files }, 3, 3},
	{"bytes of Go's heap", func(s *sample) int { return s.heap }, 6 << 20, 16 << 20},
	{"resident bytes", func(s *sample) int { return s.resident }, 24 << 20, 64 << 20},
}

// fewRests are too few for the narrow margins.
const fewRests = 24

// judge compares the last third of the samples with the second: the first is for what
// is made once. The least of each counts.
func (t *trend) judge() (problems []string) {
	third := len(t.samples) / 3
	if third == 0 {
		return []string{fmt.Sprintf("%d rests are too few to see what grows", len(t.samples))}
	}
	early, late := t.samples[third:2*third], t.samples[len(t.samples)-third:]
	for _, q := range quantities {
		margin := q.margin
		if len(t.samples) < fewRests {
			margin = q.few
		}
		before, after := least(early, q.of), least(late, q.of)
		if after-before > margin {
			problems = append(problems, fmt.Sprintf("%s grew from %d to %d in %d calls, at most %d more are allowed",
				q.name, before, after, late[0].calls-early[0].calls, margin))
		}
	}
	return problems
}

func least(samples []sample, of func(*sample) int) int {
	n := of(&samples[0])
	for i := range samples {
		n = min(n, of(&samples[i]))
	}
	return n
}

// TestTrend has runs in which one quantity grows, and some in which none does.
func TestTrend(t *testing.T) {
	const calls = 2000 // between two rests
	for _, c := range []struct {
		name  string
		grows func(s *sample, n int)
		want  int
	}{
		{"nothing", func(*sample, int) {}, 0},
		{"noise", func(s *sample, n int) { s.goroutines += n % 3; s.files += n % 2; s.heap += n % 5 << 20 }, 0},
		{"what is made once", func(s *sample, n int) { s.heap += min(n, 3) << 20; s.files += min(n, 3) }, 0},
		{"a goroutine for each thousand calls", func(s *sample, n int) { s.goroutines += n * calls / 1000 }, 1},
		{"a file for each thousand calls", func(s *sample, n int) { s.files += n * calls / 1000 }, 1},
		{"a handle for each thousand calls", func(s *sample, n int) { s.handles += n * calls / 1000 }, 1},
		{"200 bytes for each call", func(s *sample, n int) { s.heap += n * calls * 200 }, 1},
		{"a message of 1 MiB for each thousand calls", func(s *sample, n int) { s.resident += n * calls / 1000 << 20 }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tr trend
			for n := range 60 {
				s := sample{at: time.Duration(n) * time.Second, calls: n * calls, goroutines: 20, files: 50, heap: 8 << 20, resident: 100 << 20}
				c.grows(&s, n)
				tr.add(s)
			}
			if problems := tr.judge(); len(problems) != c.want {
				t.Errorf("%d problems, want %d: %q", len(problems), c.want, problems)
			}
		})
	}
}
