package mesh

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// tracing: a call, and the one that the application in between makes for it, are one
// trace, from proxy to proxy, and the last server is told of it in its message.
func (o *telemetry) tracing(*testing.T) {
	o.orders.serve("thrift", "9091")
	startFront(o.shop, "0.0.0.0:9091", o.ordersAddress)
	o.ApplyFile("examples/istio/tracing.yaml")
	want := []string{
		"client outbound|9090||shop tenant blue", "shop inbound|9091|| tenant blue",
		"shop outbound|9190||orders tenant none", "orders inbound|9091|| tenant none",
	}
	var made []string            // what the last server was told in each call
	o.Eventually(func() string { // proxies send their spans every five seconds
		c := o.client.Call("thrift", o.shopAddress, "list", "--set", "tenant=blue", "--codec-config", theader)
		if !c.OK || c.Server != o.orders.Name {
			return fmt.Sprintf("%+v, want the answer of %s", c, o.orders.Name)
		}
		made = append(made, c.Metadata["traceparent"])
		all := spans(o.collector.App.Output())
		var seen [][]string
		for _, parent := range made {
			trace := o.chain(all, parent)
			if slices.Equal(trace, want) {
				return ""
			}
			seen = append(seen, trace)
		}
		return fmt.Sprintf("%d spans, and traces %q, want one with %q", len(all), seen, want)
	})
}

// chain are the spans of a trace from its root to the parent that a message told, and
// nothing if the trace has others.
func (o *telemetry) chain(all []span, traceparent string) []string {
	part := strings.Split(traceparent, "-")
	if len(part) != 4 {
		return nil
	}
	byID, total := map[string]span{}, 0
	for _, s := range all {
		if s.TraceID == part[1] {
			byID[s.SpanID] = s
			total++
		}
	}
	var chain []string
	for id := part[2]; id != ""; {
		s, ok := byID[id]
		if !ok || len(chain) > total {
			return nil
		}
		_, node, _ := strings.Cut(strings.TrimPrefix(s.tag("node_id"), "sidecar~"), "~") // sidecar~IP~POD.NAMESPACE~DOMAIN
		pod, _, _ := strings.Cut(node, ".")
		cluster := strings.TrimSuffix(s.tag("upstream_cluster"), "."+o.Name+".svc.cluster.local")
		chain = append(chain, fmt.Sprintf("%s %s tenant %s", pod, cluster, s.tag("rpc.tenant")))
		id = s.ParentSpanID
	}
	if len(chain) != total {
		return nil
	}
	slices.Reverse(chain)
	return chain
}

// span is one in OTLP's JSON.
type span struct {
	TraceID, SpanID, ParentSpanID string
	Attributes                    []struct {
		Key   string
		Value struct{ StringValue string }
	}
}

// tag is the value of an attribute.
func (s *span) tag(key string) string {
	for i := range s.Attributes {
		if s.Attributes[i].Key == key {
			return s.Attributes[i].Value.StringValue
		}
	}
	return ""
}

// spans are those that the collector printed.
func spans(output string) []span {
	var all []span
	for line := range strings.Lines(output) {
		var request struct {
			ResourceSpans []struct{ ScopeSpans []struct{ Spans []span } }
		}
		if json.Unmarshal([]byte(line), &request) != nil {
			continue // the last line may not be whole
		}
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				all = append(all, scope.Spans...)
			}
		}
	}
	return all
}
