package framing

import (
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// What Resync shows the codec at each place: enough for any header, and a bound on the
// work that hostile input can cause.
const resyncWindow = 4 << 10

// resyncTail is how near to the end of the bytes the beginning of a message may be too
// short to be recognised.
const resyncTail = 64

// Resync skips bytes, at least the given number, up to the next place where a message
// can start: a whole one, or the beginning of one of a known length within the limit.
// It returns how many bytes it skipped and whether it stands at such a place. If not,
// it has left only what may become the beginning of one: go on after the next Feed.
//
// It is a guess, made for people who read captures: never use it on a connection that
// is served.
func (s *Splitter) Resync(least int) (skipped int, found bool) {
	var m sdk.Message
	rest := s.Rest()
	i := min(least, len(rest))
	for ; i < len(rest); i++ {
		n, err := decode(s.codec, s.from, rest[i:min(len(rest), i+resyncWindow)], &m)
		if err == nil {
			found = true
			break
		}
		if !errors.Is(err, sdk.ErrNeedMore) {
			continue
		}
		if m.Kind != sdk.KindUnknown && n > 0 && n <= s.limit {
			found = true
			break
		}
		if len(rest)-i < resyncTail {
			break
		}
	}
	s.Skip(i)
	return i, found
}
