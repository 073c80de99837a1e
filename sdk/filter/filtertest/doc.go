// Package filtertest runs filters without Envoy, for their unit tests: calls are made of
// words, the clock stands until it is turned, and metrics and logs can be looked at. The
// filter runs in the same host code as in Envoy, so what is refused there is refused
// here.
//
//	h := filtertest.New(t, quota.Definition(), `{"per_minute": 5}`)
//	got := h.Do(filtertest.Request{Service: "Orders", Method: "get", Metadata: map[string]string{"tenant": "blue"}})
//	if got.Failure.Cause != sdk.CauseRateLimited {
//		t.Errorf("got %v", got)
//	}
//
// [Host.Do] runs a whole call. [Host.Begin] is for those who want to look between the
// hooks: when the call waits, when the client goes away meanwhile, when the time for an
// answer is over.
//
// A test uses a Host from one goroutine. What [filter.Call.Go] starts runs on goroutines
// of its own, as in Envoy.
package filtertest
