package sdktest

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

const (
	// arrival is how many bytes of a long message come at a time.
	arrival = 1 << 10
	// rescans is how often a byte may be looked at, on average, while a message is
	// incomplete.
	rescans = 64
)

// checkWaiting lets long messages arrive bit by bit. A codec that begins anew with each
// bit, without telling how many bytes it waits for, does work that grows with the square
// of the length; a client that sends slowly would stop a worker thread.
func checkWaiting(c *checker) {
	for i := range c.Frames {
		f := &c.Frames[i]
		c.on(f)
		for _, at := range []int{len(f.Bytes) / 2, len(f.Bytes) - 1} {
			if at > 0 {
				c.trickles(f, at)
			}
		}
	}
}

// trickles sends the first bytes of a frame and then the last of them again and again:
// to a codec that looks for an end, an ever longer message.
func (c *checker) trickles(f *Frame, at int) {
	c.tried()
	const long = 1 << 20
	b := append(bytes.Clone(f.Bytes[:at]), bytes.Repeat(f.Bytes[at-1:at], long)...)
	took, looked, n := c.feed(f.From, b)
	_, remembers := c.Codec.(sdk.PerConnection)
	if !remembers {
		if looked > rescans*n && n > rescans*arrival {
			c.fail(f.Bytes[:at], "when a message arrives slowly, Decode begins anew each time: %d bytes were looked through for a message of %d; tell the length, bound it, or remember the place (sdk.PerConnection)", looked, n)
		}
		return
	}
	quarter := c.feedQuarters(f.From, b)
	if c.grows(quarter, took) {
		took, _, _ = c.feed(f.From, b) // once more, in case the machine was busy
		quarter = c.feedQuarters(f.From, b)
		if c.grows(quarter, took) {
			c.fail(f.Bytes[:at], "when a message arrives slowly, four times the bytes take %v instead of %v: the work grows with the square of the length", took, quarter)
		}
	}
}

// quarters is how often the small work is done to be timed: then it is as long as the great
// work would be if it grew evenly, and a busy machine, which interrupts what takes longer
// than a few milliseconds, delays both alike.
const quarters = 4

// feedQuarters is how long a quarter of b takes.
func (c *checker) feedQuarters(from sdk.Side, b []byte) time.Duration {
	var all time.Duration
	for range quarters {
		took, _, _ := c.feed(from, b[:len(b)/4])
		all += took
	}
	return all / quarters
}

// grows reports whether four times the work took much more than four times as long, and
// long enough to matter.
func (c *checker) grows(quarter, whole time.Duration) bool {
	return whole > 50*time.Millisecond && whole > 9*quarter
}

// feed hands over b in small parts until the codec decides. It tells how many bytes were
// offered in calls that asked for an unknown number, and how many were there in the end.
func (c *checker) feed(from sdk.Side, b []byte) (took time.Duration, looked, n int) {
	codec, m, wanted := c.connection(), &sdk.Message{}, 0
	start := time.Now()
	for n = arrival; n < len(b); n += arrival {
		if n < wanted {
			continue
		}
		want, err := c.decode(codec, from, b[:n], m)
		if !errors.Is(err, sdk.ErrNeedMore) {
			break
		}
		if wanted = want; wanted == 0 {
			looked += n
		}
		if looked > 4*rescans*len(b) {
			break
		}
	}
	return time.Since(start), looked, n
}

// checkManyEntries lets a message have ever more entries: reading them must not take the
// square of their number.
func checkManyEntries(c *checker) {
	const few, many = 4_000, 16_000
	seen := map[sdk.Kind]bool{}
	c.calls(func(f *Frame, codec sdk.Codec, m *sdk.Message) {
		if seen[m.Kind] || c.failed() {
			return // one message of a kind shows it
		}
		a, b := c.withEntries(f, codec, m, few), c.withEntries(f, codec, m, many)
		if a == nil || b == nil {
			return
		}
		seen[m.Kind] = true
		c.tried()
		quarter, whole := c.fastest(f, a, quarters)/quarters, c.fastest(f, b, 1)
		if c.grows(quarter, whole) {
			c.fail(f.Bytes, "%d entries take %v to read, and %d take %v: the work grows with the square of their number", few, quarter, many, whole)
		}
	})
	if c.cases() == 0 {
		c.decline("the codec adds no entries, or not so many")
	}
}

// withEntries is the message with so many entries, nil if it cannot have them.
func (c *checker) withEntries(f *Frame, codec sdk.Codec, m *sdk.Message, n int) []byte {
	const atOnce = 4_000
	m.Reset()
	if c.read(codec, f.From, f.Bytes, m) != nil {
		return nil
	}
	for i := 0; i < n; {
		var mut sdk.Mutation
		for range atOnce {
			mut.Set = append(mut.Set, sdk.Entry{Key: []byte("key-" + strconv.Itoa(i)), Value: []byte("v")})
			i++
		}
		out, err := c.encode(codec, m, &mut)
		if err != nil {
			return nil
		}
		m, codec = &sdk.Message{}, c.connection()
		if err := c.read(codec, f.From, out, m); err != nil {
			return nil
		}
	}
	return m.Bytes
}

// fastest is the shortest of several times that it took to read b that many times.
func (c *checker) fastest(f *Frame, b []byte, times int) time.Duration {
	best := time.Duration(1 << 62)
	m := &sdk.Message{}
	for try := 0; try < 3 && (try == 0 || best < time.Second); try++ {
		start := time.Now()
		for range times {
			codec := c.connection()
			if _, err := c.decode(codec, f.From, b, m); err == nil {
				_ = c.metadata(codec, m, b)
			}
		}
		best = min(best, time.Since(start))
	}
	return best
}
