package brpc

import (
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

// suite has the messages of other implementations that a codec of that configuration
// reads.
func suite(tb testing.TB, config string, names ...string) sdktest.Suite {
	tb.Helper()
	s := sdktest.Suite{Codec: codec(tb, config), NoAllocations: true}
	for _, c := range frames(tb) {
		prefix, _, _ := strings.Cut(c.name, "-")
		if len(names) > 0 && !slices.Contains(names, prefix) {
			continue
		}
		s.Frames = append(s.Frames, sdktest.Frame{Name: c.name, From: c.from, Bytes: c.bytes, Refused: c.refused()})
	}
	return s
}

func TestConformance(t *testing.T) { sdktest.Run(t, suite(t, "")) }

func TestConformanceOfDialects(t *testing.T) {
	t.Run("cpp", func(t *testing.T) { sdktest.Run(t, suite(t, `{"dialect":"cpp"}`, "cpp", "script")) })
	t.Run("java", func(t *testing.T) { sdktest.Run(t, suite(t, `{"dialect":"java"}`, "java", "captured")) })
}

func FuzzConformance(f *testing.F) { sdktest.Fuzz(f, suite(f, "")) }
