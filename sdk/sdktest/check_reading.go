package sdktest

import (
	"bytes"
	"sync"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// checkMetadata reads each message twice, in a Message that was used before: what is
// left of another must not show.
func checkMetadata(c *checker) {
	used := &sdk.Message{}
	for i := range c.Frames {
		f := &c.Frames[i]
		c.on(f)
		fresh := &sdk.Message{}
		want := c.read(c.connection(), f.From, f.Bytes, fresh)
		for range 2 {
			c.tried()
			got := c.read(c.connection(), f.From, f.Bytes, used)
			if (got == nil) != (want == nil) {
				c.fail(f.Bytes, "read again, the verdict is %v instead of %v", got, want)
			} else if err := readingOf(used).differs(readingOf(fresh)); err != nil && want == nil {
				c.fail(f.Bytes, "read again into a used Message: %v", err)
			}
		}
	}
}

// calls are the frames that carry calls and answers, as the codec reads them.
func (c *checker) calls(visit func(f *Frame, codec sdk.Codec, m *sdk.Message)) {
	for i := range c.Frames {
		f := &c.Frames[i]
		c.on(f)
		codec, m := c.connection(), &sdk.Message{}
		if err := c.read(codec, f.From, f.Bytes, m); err != nil {
			continue
		}
		switch m.Kind {
		case sdk.KindRequest, sdk.KindOneWay, sdk.KindResponse:
			visit(f, codec, m)
		default:
		}
	}
}

// checkThreads uses the shared codec from several threads at once, as Envoy's workers
// do. The race detector sees what this compares too late.
func checkThreads(c *checker) {
	want := map[*Frame]*reading{}
	c.tried()
	c.calls(func(f *Frame, _ sdk.Codec, m *sdk.Message) { want[f] = readingOf(m) })
	const threads, rounds = 4, 20
	var wg sync.WaitGroup
	problems := make(chan Failure, threads)
	for range threads {
		wg.Go(func() {
			for range rounds {
				for i := range c.Frames {
					if problem := c.onThread(&c.Frames[i], want); problem != "" {
						select {
						case problems <- Failure{c.Frames[i].Name, problem, c.Frames[i].Bytes}:
						default:
						}
					}
				}
			}
		})
	}
	wg.Wait()
	close(problems)
	for p := range problems {
		c.fail(p.Input, "%s: %s", p.Frame, p.Problem)
	}
}

// onThread does what a host does with a message, and tells what went wrong.
func (c *checker) onThread(f *Frame, want map[*Frame]*reading) (problem string) {
	defer func() {
		if p := recover(); p != nil {
			problem = "panics when several threads use the codec"
		}
	}()
	codec, m := c.connection(), &sdk.Message{}
	own := bytes.Clone(f.Bytes)
	n, err := codec.Decode(f.From, own, m)
	if err != nil || want[f] == nil {
		return ""
	}
	m.Bytes = own[:n]
	if codec.Metadata(m) != nil || readingOf(m).differs(want[f]) != nil {
		return "is read otherwise when several threads use the codec"
	}
	if out, err := codec.Encode(nil, m, &sdk.Mutation{}); err != nil || !bytes.Equal(out, own) {
		return "is written otherwise when several threads use the codec"
	}
	return ""
}

// checkAllocations counts what Decode and Metadata allocate once the Message has its
// memory.
func checkAllocations(c *checker) {
	worst, of := 0.0, ""
	c.calls(func(f *Frame, codec sdk.Codec, m *sdk.Message) {
		c.tried()
		n := testing.AllocsPerRun(20, func() {
			m.Reset()
			if _, err := codec.Decode(f.From, f.Bytes, m); err == nil {
				m.Bytes = f.Bytes
				_ = codec.Metadata(m)
			}
		})
		if n > worst {
			worst, of = n, f.Name
		}
		if c.NoAllocations && n > 0 && !raceEnabled {
			c.fail(f.Bytes, "Decode and Metadata allocate %v times", n)
		}
	})
	if worst > 0 {
		c.note("Decode and Metadata allocate up to %v times (%s)", worst, of)
	} else {
		c.note("Decode and Metadata allocate nothing")
	}
}
