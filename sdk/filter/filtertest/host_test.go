package filtertest_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// TestConformance checks that a filter meets in its unit tests what it meets in Envoy.
func TestConformance(t *testing.T) {
	hosttest.Run(t, func(t *testing.T, s hosttest.Setup) hosttest.Host {
		t.Helper()
		return &host{routes: s.Routes, Host: filtertest.New(t, probe.Definition(), s.Config,
			filtertest.WithCodecs(testcodec.Definition()), filtertest.WithCluster("check", check), filtertest.WithGRPC("grpc", checkGRPC))}
	})
}

func check(r filter.HTTPRequest) (filter.HTTPResponse, error) {
	response := filter.HTTPResponse{Status: 200, Body: r.Body}
	for _, h := range r.Headers {
		if h[0] == "x-method" {
			response.Headers = append(response.Headers, [2]string{"x-check", h[1]})
		}
	}
	return response, nil
}

func checkGRPC(r filter.GRPCRequest) (filter.GRPCResponse, error) {
	trailers := [][2]string{{"x-trailer", "at the end"}}
	switch r.Method {
	case "/check.Check/Echo":
		return filter.GRPCResponse{Metadata: [][2]string{{"x-check", r.Metadata[0][1]}}, Trailers: trailers, Message: r.Message}, nil
	case "/check.Check/Fail":
		return filter.GRPCResponse{Code: sdk.NotFound, Text: string(r.Message), Trailers: trailers}, nil
	}
	return filter.GRPCResponse{}, filtertest.ErrSilent
}

// host runs the checks of hosts with this package's own.
type host struct {
	*filtertest.Host
	routes map[string]string
}

// Do implements hosttest.Host.
func (h *host) Do(t *testing.T, c hosttest.Call) hosttest.Result {
	t.Helper()
	kind := sdk.KindRequest
	if c.OneWay {
		kind = sdk.KindOneWay
	}
	message := func(kind sdk.Kind) []byte {
		return testcodec.Append(nil, testcodec.Message{Kind: kind, ID: 1, Service: c.Service, Method: c.Method, Payload: c.Payload})
	}
	metadata := map[string]string{}
	maps.Copy(metadata, c.Metadata)
	for key, value := range map[string]string{probe.KeyRequest: c.Request, probe.KeyResponse: c.Response} {
		if value != "" {
			metadata[key] = value
		}
	}
	call := h.Begin(filtertest.Request{
		Codec: "toy", Service: c.Service, Method: c.Method, OneWay: c.OneWay, Timeout: c.Timeout, Metadata: metadata,
		Payload: message(kind), Source: "127.0.0.1:1", Destination: "127.0.0.1:2", RouteConfig: h.routes[c.Service],
	})
	took := h.wait(call, c.Late)
	r := hosttest.Result{}
	if call.State() == filtertest.Sent {
		r.Reached = true
		sent := call.Result()
		r.Service, r.Method, r.Metadata = sent.Service, sent.Method, sent.Metadata
		call.Respond(filtertest.Response{Metadata: sent.Metadata, Payload: message(sdk.KindResponse)})
		took += h.wait(call, c.Late)
	}
	end := call.End()
	r.Answer, r.Took = end.Answer, took
	switch end.State {
	case filtertest.Refused:
		r.Code, r.Cause, r.Payload = end.Failure.Code, end.Failure.Cause.String(), end.Failure.Text()
	case filtertest.Broken: // as the client's edge tells it
		r.Code, r.Cause = sdk.Unknown, sdk.CauseConnectionLost.String()
	case filtertest.Done, filtertest.Answered:
		m, _, ok := testcodec.Parse(end.Payload)
		if !ok {
			t.Fatalf("the client got %q", end.Payload)
		}
		r.Payload = m.Payload
	case filtertest.Waiting, filtertest.Sent:
		t.Fatalf("the call is %v", end.State)
	}
	return r
}

// wait lets a call wait for its work, or turns the clock for one that is late. The clock
// stands still for the others, however long their work takes on a busy machine.
func (h *host) wait(call *filtertest.Call, late bool) (took time.Duration) {
	start := time.Now()
	for call.Poll() == filtertest.Waiting && time.Since(start) < time.Minute {
		if late {
			h.Advance(20 * time.Millisecond)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(start)
}

// Metric implements hosttest.Host.
func (h *host) Metric(_ *testing.T, name string, labels ...string) int {
	return int(h.Host.Metric(name, labels...))
}

// Logs implements hosttest.Host.
func (h *host) Logs() string {
	panics := map[string]bool{}
	for _, p := range h.Panics() {
		what, _, _ := strings.Cut(p, "\n")
		panics[what] = true // a host logs each once
	}
	lines := h.Host.Logs()
	for what := range panics {
		lines = append(lines, "panic in "+what)
	}
	return strings.Join(lines, "\n")
}

// Drop implements hosttest.Dropper.
func (h *host) Drop(*testing.T) { h.Close() }
