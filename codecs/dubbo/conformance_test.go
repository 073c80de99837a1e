package dubbo

import (
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

// suite has the messages of other implementations.
func suite(tb testing.TB) sdktest.Suite {
	tb.Helper()
	s := sdktest.Suite{Codec: codec(tb), NoAllocations: true}
	all := frames(tb)
	for name, b := range all {
		f := sdktest.Frame{Name: name, Bytes: b, Generic: strings.Contains(name, "generic")}
		if b[2]&0x80 == 0 { // the bit that marks requests
			f.From = sdk.FromServer
		}
		s.Frames = append(s.Frames, f)
	}
	slices.SortFunc(s.Frames, func(a, b sdktest.Frame) int { return slices.Compare([]byte(a.Name), []byte(b.Name)) })
	return s
}

func TestConformance(t *testing.T) { sdktest.Run(t, suite(t)) }

func FuzzConformance(f *testing.F) { sdktest.Fuzz(f, suite(f)) }
