package filter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// Example is a filter that lets only some tenants call, asks another system about those
// that it does not know, and counts.
func Example() {
	t := &testing.T{} // a test has one
	h := filtertest.New(t, definition(), `{"known": ["blue"]}`)
	for _, tenant := range []string{"blue", "green", "red"} {
		got := h.Do(filtertest.Request{Service: "Orders", Method: "get", Metadata: map[string]string{"tenant": tenant}})
		fmt.Printf("%s: %v, cause %v, class %q\n", tenant, got.State, got.Failure.Cause, got.Local["tenant-class"])
	}
	fmt.Println(h.Metric("asked_total", "get"), "were asked about")
	// Output:
	// blue: done, cause unknown, class "known"
	// green: done, cause unknown, class "asked"
	// red: refused, cause denied, class ""
	// 2 were asked about
}

func definition() filter.Definition {
	return filter.Definition{
		Name:    "tenants",
		Summary: "lets only some tenants call",
		Schema:  `{"type":"object","properties":{"known":{"type":"array","items":{"type":"string"}}}}`,
		Needs:   []filter.Capability{filter.WaitCalls},
		New: func(config []byte, h filter.Host) (filter.Filter, error) {
			f := &tenants{asked: h.Counter("asked_total", "method")}
			return f, sdk.ParseConfig(config, f)
		},
	}
}

type tenants struct {
	Known []string `json:"known"`

	asked filter.Counter
}

// Begin is asked for each call. The handler is made for those that have a tenant.
func (f *tenants) Begin(c filter.Call) filter.Handler {
	tenant, ok := c.Metadata().Get("tenant")
	if !ok {
		return nil
	}
	return &handler{tenants: f, tenant: tenant}
}

type handler struct {
	filter.Base // Response and End do nothing

	*tenants
	tenant string
}

// Request decides at once about tenants that are known, and asks about others.
func (h *handler) Request(c filter.Call) filter.Verdict {
	if slices.Contains(h.Known, h.tenant) {
		c.Local().Set("tenant-class", "known") // for routes, as x-rpc-local-tenant-class
		return filter.Continue
	}
	h.asked.Add(c, 1, c.Method())
	late := filter.Reply(sdk.Failure{Cause: sdk.CauseOverloaded, Message: "nobody knows " + h.tenant})
	return c.Go(50*time.Millisecond, late, func(ctx context.Context) filter.Then {
		err := ask(ctx, h.tenant) // on a goroutine of its own
		return func(c filter.Call) filter.Verdict {
			if err != nil {
				return filter.Reply(sdk.Failure{Cause: sdk.CauseDenied, Message: err.Error()})
			}
			c.Local().Set("tenant-class", "asked")
			return filter.Continue
		}
	})
}

// ask stands for a call to another system.
func ask(_ context.Context, tenant string) error {
	if tenant == "red" {
		return errors.New("red must not")
	}
	return nil
}
