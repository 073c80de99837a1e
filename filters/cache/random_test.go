package cache

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// life is a call in TestLives.
type life struct {
	*filtertest.Call
	question string
	began    time.Time
	timeout  time.Duration
	gone     bool // its client went away
}

// TestLives has calls of a few kinds begin, be answered, fail, be given up and wait, at
// random. Whatever happens, each call has its own question answered, no call waits longer
// than its rule and its caller let it, and somebody is always on the way for those who
// wait.
func TestLives(t *testing.T) {
	for seed := range uint64(15) {
		h := filtertest.New(t, Definition(), `{"max_entries": 2, "rules": [{"methods": ["*"], "ttl": "3s", "shared": true, "wait": "5s"}]}`)
		random := rand.New(rand.NewPCG(seed, 2))
		var open []*life
		for range 1500 {
			switch random.IntN(5) {
			case 0, 1:
				question := strconv.Itoa(random.IntN(4))
				r := get(question)
				if random.IntN(3) == 0 {
					r.Timeout = time.Duration(1+random.IntN(9)) * time.Second
				}
				open = append(open, &life{Call: h.Begin(r), question: question, began: h.Now(), timeout: r.Timeout})
			case 2:
				h.Advance(time.Duration(random.IntN(1500)) * time.Millisecond)
			default:
				if len(open) > 0 {
					open[random.IntN(len(open))].step(random)
				}
			}
			open = livesOn(t, h, open)
		}
		for len(open) > 0 {
			open[0].End()
			open = livesOn(t, h, open[1:])
		}
		f := h.Panics()
		if len(f) > 0 {
			t.Fatalf("seed %d: %q", seed, f)
		}
	}
}

// step lets something happen to a call.
func (l *life) step(random *rand.Rand) {
	if l.State() != filtertest.Sent {
		if random.IntN(10) == 0 {
			l.leave()
		}
		return
	}
	switch random.IntN(6) {
	case 0:
		l.leave()
	case 1:
		l.Respond(filtertest.Response{Code: sdk.Internal})
	case 2:
		l.Respond(filtertest.Response{Cause: sdk.CauseConnectionLost})
	case 3:
		l.Respond(filtertest.Response{Result: l.question, Metadata: map[string]string{"cache-control": "no-store"}})
	default:
		l.Respond(filtertest.Response{Result: l.question})
	}
}

func (l *life) leave() {
	l.End()
	l.gone = true
}

// livesOn looks at the open calls, and returns those that are not over.
func livesOn(t *testing.T, h *filtertest.Host, open []*life) (rest []*life) {
	t.Helper()
	sent, waiting := map[string]int{}, map[string]int{}
	for _, l := range open {
		if l.gone {
			continue
		}
		switch l.Poll() {
		case filtertest.Waiting:
			limit := 5 * time.Second
			if l.timeout > 0 {
				limit = min(limit, l.timeout)
			}
			if now := h.Now(); now.Sub(l.began) > limit {
				t.Fatalf("a call waits since %v", now.Sub(l.began))
			}
			waiting[l.question]++
		case filtertest.Sent:
			sent[l.question]++
		case filtertest.Answered:
			if got := resultOf(t, l.End().Payload); got != l.question {
				t.Fatalf("question %s is answered with %s", l.question, got)
			}
			continue
		case filtertest.Done:
			l.End()
			continue
		case filtertest.Refused:
			if got := l.End(); got.Failure.Cause != sdk.CauseTimeout || h.Now().Sub(l.began) < l.timeout {
				t.Fatalf("a call is refused after %v of %v: %+v", h.Now().Sub(l.began), l.timeout, got.Failure)
			}
			continue
		case filtertest.Broken:
			t.Fatal("a call is broken")
		}
		rest = append(rest, l)
	}
	for question := range waiting {
		if sent[question] == 0 {
			t.Fatalf("%d calls wait for %s, and none is on the way", waiting[question], question)
		}
	}
	return rest
}
