package contribtest

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/envoytest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
)

// TestFilterConformance runs the checks of hosts.
func TestFilterConformance(t *testing.T) {
	hosttest.Run(t, func(t *testing.T, s hosttest.Setup) hosttest.Host {
		t.Helper()
		return startProbe(t, s)
	}, filter.CallHTTP, filter.CallGRPC, filter.TraceTags)
}

// TestForwardConformance runs the checks in the network filter alone.
func TestForwardConformance(t *testing.T) {
	hosttest.Run(t, func(t *testing.T, s hosttest.Setup) hosttest.Host {
		t.Helper()
		config := s.Config
		if config == "" {
			config = "null"
		}
		h := &probed{proxy: &proxy{server: envoytest.Serve(t, envoytest.Echo)}}
		socket := startTCP(t)
		h.host = socket.host
		h.client = envoytest.Dial(t, socket.listen(t,
			`{"codec":`+toy+`,"forward":`+local(h.server.Port)+`,"filters":[{"name":"probe","config":`+config+`}]}`))
		return h
	}, filter.CallHTTP, filter.CallGRPC, filter.TraceTags, filter.Statistics, filter.RouteConfigs, filter.AccessLogs, hosttest.NeverCloses)
}

// probed is a proxy with the probe in it; hosttest.Host.
type probed struct {
	*proxy
	client *envoytest.Client
	calls  uint64
}

func startProbe(t *testing.T, s hosttest.Setup) *probed {
	t.Helper()
	h := &probed{proxy: startProxy(t, envoytest.Echo, probe.Name, envoytest.HostConfig(s.Config))}
	for service, config := range s.Routes {
		route := h.must(h.ask("route %s %s", probe.Name, text(t, config)))
		h.routes[service] = h.must(h.ask("merge %s %s %s", probe.Name, h.config, route))
	}
	h.client = h.dial(t)
	t.Cleanup(h.collects)
	return h
}

// Do implements hosttest.Host.
func (h *probed) Do(t *testing.T, c hosttest.Call) hosttest.Result {
	t.Helper()
	h.calls++
	m := hosttest.Toy(h.calls, c)
	before := len(h.server.Seen())
	start := time.Now()
	if c.OneWay {
		h.client.Send(m)
		return hosttest.Result{}
	}
	got := h.client.Call(m)
	took := time.Since(start)
	if got.ID != m.ID {
		t.Errorf("the answer is to call %d, not %d", got.ID, m.ID)
	}
	return hosttest.ToyResult(got, took, h.server.Seen()[before:])
}

// Metric implements hosttest.Host.
func (h *probed) Metric(t *testing.T, name string, labels ...string) int {
	t.Helper()
	parts := []string{"meltemi_" + probe.Name + "_" + name}
	for i, value := range labels {
		parts = append(parts, []string{"method", "code"}[i], value)
	}
	n, err := strconv.Atoi(h.ask("metric %s", strings.Join(parts, "."))[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Drop implements hosttest.Dropper.
func (h *probed) Drop(*testing.T) { h.tell("drop %s", h.config) }

// Logs implements hosttest.Host.
func (h *probed) Logs() string { return h.err.String() }
