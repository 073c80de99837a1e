package sdktest

import (
	"bytes"
	"errors"
	"math"
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
	if _, remembers := c.Codec.(sdk.PerConnection); !remembers {
		looked, n := c.feed(f.From, b, 4*rescans*len(b))
		if looked > rescans*n && n > rescans*arrival {
			c.fail(f.Bytes[:at], "when a message arrives slowly, Decode begins anew each time: %d bytes were looked through for a message of %d; tell the length, bound it, or remember the place (sdk.PerConnection)", looked, n)
		}
		return
	}
	times := func(b []byte) func(int) time.Duration {
		return func(n int) time.Duration {
			start := time.Now()
			for range n {
				c.feed(f.From, b, math.MaxInt)
			}
			return time.Since(start)
		}
	}
	if quarter, whole, grows := growth(times(b[:len(b)/4]), times(b)); grows {
		c.fail(f.Bytes[:at], "when a message arrives slowly, four times the bytes take %v instead of %v: the work grows with the square of the length", whole, quarter)
	}
}

const (
	// growthRounds is how often work is timed before the codec is to blame,
	growthRounds = 7
	// fewRounds how often if it has then taken growthTime.
	fewRounds  = 3
	growthTime = 3 * time.Second
)

// growth compares how long some work takes with how long four times as much takes, and
// reports whether that is much more than four times as long, and long enough to matter.
// Both do their work so many times over and return the time. A busy machine can only add
// to a time, and adds most to what takes longer than a scheduler's slice: so both have as
// much to do if the work grows evenly, and the shortest times of several rounds count.
func growth(quarter, whole func(times int) time.Duration) (q, w time.Duration, grows bool) {
	const forever = time.Duration(1 << 62)
	q, w = forever, forever
	start := time.Now()
	for i := 0; i < growthRounds && (i < fewRounds || time.Since(start) < growthTime); i++ {
		q, w = min(q, quarter(4)/4), min(w, whole(1))
		if w < 50*time.Millisecond {
			return q, w, false
		}
	}
	return q, w, w > 9*q
}

// feed hands over b in small parts until the codec decides. It tells how many bytes were
// offered in calls that asked for an unknown number, at which enough ends it, and how many
// were there in the end.
func (c *checker) feed(from sdk.Side, b []byte, enough int) (looked, n int) {
	codec, m, wanted := c.connection(), &sdk.Message{}, 0
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
		if looked > enough {
			break
		}
	}
	return looked, n
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
		if quarter, whole, grows := growth(c.reading(f, a), c.reading(f, b)); grows {
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

// reading returns how long it takes to read b so many times.
func (c *checker) reading(f *Frame, b []byte) func(times int) time.Duration {
	m := &sdk.Message{}
	return func(times int) time.Duration {
		start := time.Now()
		for range times {
			codec := c.connection()
			if _, err := c.decode(codec, f.From, b, m); err == nil {
				_ = c.metadata(codec, m, b)
			}
		}
		return time.Since(start)
	}
}
