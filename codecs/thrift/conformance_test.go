package thrift

import (
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

// suite has the messages of other implementations. A connection keeps to one transport
// and protocol, the first two words of a frame's name.
func suite(tb testing.TB) sdktest.Suite {
	tb.Helper()
	s := sdktest.Suite{Codec: codec(tb, ""), NoAllocations: true}
	for _, c := range frames(tb) {
		f := sdktest.Frame{Name: c.name, From: c.from, Bytes: c.bytes}
		if c.name == "header-compact-zlib" {
			f.Refused = sdk.CauseUnreadable
		}
		if words := strings.SplitN(c.name, "-", 3); len(words) == 3 {
			f.Connection = words[0] + "-" + words[1]
		}
		s.Frames = append(s.Frames, f)
	}
	return s
}

func TestConformance(t *testing.T) { sdktest.Run(t, suite(t)) }

func FuzzConformance(f *testing.F) { sdktest.Fuzz(f, suite(f)) }
