package breaker

import (
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// TestWhatCounts has calls that end in all ways, and looks which of them open a circuit
// and which keep it closed.
func TestWhatCounts(t *testing.T) {
	answered := func(c sdk.Code) filtertest.Response { return filtertest.Response{Code: c} }
	local := func(c sdk.Cause) filtertest.Response { return filtertest.Response{Cause: c} }
	for name, test := range map[string]struct {
		answer filtertest.Response
		want   result
	}{
		"a result":                   {fine, success},
		"a declared exception":       {answered(sdk.FailedPrecondition), success},
		"no such order":              {answered(sdk.NotFound), success},
		"no such method":             {answered(sdk.Unimplemented), success},
		"the server refuses":         {answered(sdk.PermissionDenied), success},
		"an exception":               {answered(sdk.Unknown), failure},
		"an error of the server":     {answered(sdk.Internal), failure},
		"the server is overloaded":   {answered(sdk.Unavailable), failure},
		"the server has timed out":   {answered(sdk.DeadlineExceeded), failure},
		"no healthy endpoint":        {local(sdk.CauseNoUpstream), failure},
		"no connection":              {local(sdk.CauseConnectFailure), failure},
		"the connection is lost":     {local(sdk.CauseConnectionLost), failure},
		"no answer in time":          {local(sdk.CauseTimeout), failure},
		"an answer that is unusable": {local(sdk.CauseBadResponse), failure},
		"an injected fault":          {local(sdk.CauseAborted), failure},
		"no route":                   {local(sdk.CauseNoRoute), nothing},
		"denied":                     {local(sdk.CauseDenied), nothing},
		"rate limited":               {local(sdk.CauseRateLimited), nothing},
		"overloaded":                 {local(sdk.CauseOverloaded), nothing},
		"too large":                  {local(sdk.CauseTooLarge), nothing},
		"malformed":                  {local(sdk.CauseMalformed), nothing},
		"unsupported":                {local(sdk.CauseUnsupported), nothing},
		"draining":                   {local(sdk.CauseDraining), nothing},
		"a panic in a filter":        {local(sdk.CauseInternal), nothing},
	} {
		// Two failures before, so that a third is one too many unless this call is a success.
		h := filtertest.New(t, Definition(), `{"rules": [{"methods": ["*"], "min_calls": 3, "failure_percent": 100}]}`)
		do(h, get, broken, broken, test.answer)
		if opened := h.Metric("opened_total", "other", "other") == 1; opened != (test.want == failure) {
			t.Errorf("%s: opens %v", name, opened)
		}
		if test.want == failure {
			continue
		}
		do(h, get, broken)
		if opened := h.Metric("opened_total", "other", "other")+h.Metric("opened_total", get.Service, get.Method) == 1; opened != (test.want == nothing) {
			t.Errorf("%s, and a failure: opens %v", name, opened)
		}
	}
}

func TestAClientThatLeavesCountsForNothing(t *testing.T) {
	h := filtertest.New(t, Definition(), small)
	for range 10 {
		h.Begin(get).End()
	}
	passes(t, h, get, fine)
	state(t, h, 0)
}

func TestCallersInAHurryCountForNothing(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"rules": [{"methods": ["*"], "min_calls": 4, "min_timeout": "50ms"}]}`)
	late := filtertest.Response{Cause: sdk.CauseTimeout}
	hasty, patient := get, get
	hasty.Timeout, patient.Timeout = 49*time.Millisecond, 50*time.Millisecond
	do(h, hasty, late, late, late, late, late)
	passes(t, h, get, fine)
	do(h, patient, late, late, late)
	refused(t, h, get, "open")
}

func TestOneWayCalls(t *testing.T) {
	h := filtertest.New(t, Definition(), small)
	tell := filtertest.Request{Service: "shop.Orders", Method: "tell", OneWay: true}
	do(h, tell, fine, fine)
	lost := filtertest.Response{Cause: sdk.CauseConnectFailure}
	do(h, tell, lost, lost)
	refused(t, h, tell, "open")
}
