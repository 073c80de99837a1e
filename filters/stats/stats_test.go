package stats

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

func TestCounts(t *testing.T) {
	h := filtertest.New(t, Definition(), "")
	get := filtertest.Request{Service: "shop.Orders", Method: "get"}
	for range 3 {
		h.Do(get)
	}
	c := h.Begin(get)
	if n := h.Metric("open_calls"); n != 1 {
		t.Errorf("%d calls are open, want 1", n)
	}
	h.Advance(70 * time.Millisecond)
	c.Respond(filtertest.Response{Code: sdk.FailedPrecondition})
	c.End()
	c = h.Begin(get) // whose client goes away
	c.End()
	c = h.Begin(get)
	c.Respond(filtertest.Response{Cause: sdk.CauseNoUpstream})
	c.End()
	for code, want := range map[string]uint64{"OK": 3, "FAILED_PRECONDITION": 1, "none": 1, "UNAVAILABLE": 1, "UNKNOWN": 0} {
		if n := h.Metric("calls_total", "shop.Orders", "get", code); n != want {
			t.Errorf("%s: %d, want %d", code, n, want)
		}
	}
	for _, name := range []string{"latency_ms", "request_bytes", "response_bytes"} {
		if n := h.Metric(name, "shop.Orders", "get"); n != 6 {
			t.Errorf("%s has %d numbers, want 6", name, n)
		}
	}
	if ms := h.Sum("latency_ms", "shop.Orders", "get"); ms != 70 {
		t.Errorf("all calls took %d ms, want 70", ms)
	}
	if h.Sum("request_bytes", "shop.Orders", "get") == 0 || h.Sum("response_bytes", "shop.Orders", "get") == 0 {
		t.Error("messages have no size")
	}
	if n := h.Metric("open_calls"); n != 0 {
		t.Errorf("%d calls are open", n)
	}
}

// TestMethodsAreBounded has calls of more methods than are counted apart, and of methods
// that no server knows.
func TestMethodsAreBounded(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"max_methods": 2}`)
	for i := range 20 {
		c := h.Begin(filtertest.Request{Service: "s", Method: fmt.Sprint("invented-", i)})
		c.Respond(filtertest.Response{Cause: sdk.CauseNoRoute})
		c.End()
		c = h.Begin(filtertest.Request{Service: "s", Method: fmt.Sprint("refused-", i)})
		c.Respond(filtertest.Response{Code: sdk.Unimplemented}) // by the server itself
		c.End()
	}
	for i := range 4 {
		h.Do(filtertest.Request{Service: "s", Method: fmt.Sprint("real-", i)})
	}
	want := []string{
		"calls_total{other,other,OK}", "calls_total{other,other,UNIMPLEMENTED}", "calls_total{s,real-0,OK}", "calls_total{s,real-1,OK}",
		"latency_ms{other,other}", "latency_ms{s,real-0}", "latency_ms{s,real-1}", "open_calls",
	}
	got := slices.DeleteFunc(h.Series(), func(s string) bool { return strings.Contains(s, "bytes") })
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if n := h.Metric("calls_total", "other", "other", "OK"); n != 2 {
		t.Errorf("%d calls went to other, want 2", n)
	}
}

func TestMetadataBecomesLabels(t *testing.T) {
	h := filtertest.New(t, Definition(), `{"metadata": ["Tenant-Name", "zone"]}`)
	h.Do(filtertest.Request{Service: "s", Method: "m", Metadata: map[string]string{"tenant-name": "blue"}})
	if n := h.Metric("calls_total", "s", "m", "OK", "blue", "-"); n != 1 {
		t.Errorf("series: %q", h.Series())
	}
}

func TestConfigurationIsStrict(t *testing.T) {
	for config, want := range map[string]string{
		`{"max_method": 1}`:                       `unknown field "max_method"`,
		`{"max_methods": 0}`:                      `max_methods: 0 is not between 1 and 1000`,
		`{"max_methods": 1001}`:                   `is not between`,
		`{"metadata": ["code"]}`:                  `metadata[0]: there is a label "code" already`,
		`{"metadata": ["a-b", "A.B"]}`:            `metadata[1]: there is a label "a_b" already`,
		`{"metadata": ["a b"]}`:                   `label "a b" is not lower-case`,
		`{"metadata": ["1","2","3","4","5","6"]}`: `6 entries are more than 5`,
	} {
		if _, err := filtertest.Try(t, Definition(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

// TestThreads adds methods from many threads at once.
func TestThreads(t *testing.T) {
	f := &stats{}
	f.methods.init(f, 50)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 100 {
				f.methods.of("s", strconv.Itoa(i), true)
			}
		})
	}
	wg.Wait()
	if n := len(*f.methods.known.Load()); n != 50 {
		t.Errorf("%d methods, want 50", n)
	}
}
