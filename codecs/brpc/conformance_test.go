package brpc

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

// suite has the messages of other implementations.
func suite(tb testing.TB, config string) sdktest.Suite {
	tb.Helper()
	s := sdktest.Suite{Codec: codec(tb, config), NoAllocations: true}
	for _, c := range frames(tb) {
		s.Frames = append(s.Frames, sdktest.Frame{Name: c.name, From: c.from, Bytes: c.bytes, Refused: c.refused()})
	}
	return s
}

func TestConformance(t *testing.T) { sdktest.Run(t, suite(t, "")) }

func FuzzConformance(f *testing.F) { sdktest.Fuzz(f, suite(f, "")) }
