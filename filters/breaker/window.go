package breaker

import "time"

// windowParts is how many slices a window has. It moves on by one of them at a time, so what it
// counts is between nine and ten tenths of the configured time.
const windowParts = 10

// window counts the calls of the last time, by slices of it.
type window struct {
	slice time.Duration // how long one is
	at    int64         // the number of the current one
	parts [windowParts]tally
	sum   tally
}

// tally is how many calls there were, and how many of them failed.
type tally struct{ calls, failures int }

func newWindow(length time.Duration) window { return window{slice: length / windowParts} }

// add counts a call that ended now.
func (w *window) add(now time.Duration, failed bool) {
	w.move(int64(now / w.slice))
	part := &w.parts[w.at%windowParts]
	part.calls++
	w.sum.calls++
	if failed {
		part.failures++
		w.sum.failures++
	}
}

// move makes slice number to the current one, and forgets those that are too old. Threads
// come with times that are a little older than another's: they count as the current one.
func (w *window) move(to int64) {
	if to-w.at >= windowParts {
		w.parts, w.sum, w.at = [windowParts]tally{}, tally{}, to
		return
	}
	for w.at < to {
		w.at++
		part := &w.parts[w.at%windowParts]
		w.sum.calls -= part.calls
		w.sum.failures -= part.failures
		*part = tally{}
	}
}

// clear forgets all calls.
func (w *window) clear() { w.parts, w.sum = [windowParts]tally{}, tally{} }
