//go:build !race

package filterhost_test

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// TestACallThatIsIgnoredCostsLittle: a filter stands in the way of all calls, also of
// those that are none of its business.
func TestACallThatIsIgnoredCostsLittle(t *testing.T) {
	config := benchConfig(t, beginner(func(filter.Call) filter.Handler { return nil }))
	request := benchRequest()
	ignore := func() { config.Begin(nothing{}, request, false) }
	// The call itself, and the names of service and method.
	if n := testing.AllocsPerRun(1000, ignore); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
