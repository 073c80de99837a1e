package mesh

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/test/kube"
)

// telemetry is a shop that calls orders for each call that it gets, both with Thrift, and
// a collector of traces that is outside of the mesh.
type telemetry struct {
	*Namespace

	client, shop, orders, collector *Pod
	shopAddress, ordersAddress      string
}

// TestTelemetry is what proxies tell of calls: metrics, access logs and traces.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	observability := NewNamed(t, "observability") // the name that mesh-config.yaml has
	observability.Apply(`
apiVersion: v1
kind: Service
metadata: {name: collector}
spec: {selector: {app: collector}, ports: [{name: grpc-otlp, port: 4317}]}
`)
	n := New(t)
	n.ApplyFile("examples/istio/strict.yaml")
	n.ApplyFile("examples/istio/thrift.yaml", "orders", "shop", "app: thrift", "app: shop")
	n.ApplyFile("examples/istio/thrift.yaml", "port: 9090", "port: 9190") // filters of clients are those of the number
	n.ApplyFile("examples/istio/metrics.yaml", "    name: thrift", "    name: thrift\n    config: {oneway: [\"Orders:note\"]}")
	collector := observability.Start(Spec{Name: "collector", NoProxy: true, Ports: []int{4317}, Run: []string{kube.Part(t, "collector"), "0.0.0.0:4317"}})[0]
	pods := n.Start(Spec{Name: "client"}, Spec{Name: "shop"}, Spec{Name: "orders", Labels: map[string]string{"app": "thrift", "version": "v1"}})
	o := &telemetry{
		Namespace: n, client: pods[0], shop: pods[1], orders: pods[2], collector: collector,
		shopAddress: n.Address("shop", 9090), ordersAddress: n.Address("orders", 9190),
	}
	n.Bound("shop")
	n.Bound("orders")
	n.Run("Metrics", o.metrics)
	n.Run("AccessLog", o.accessLog)
	n.Run("Tracing", o.tracing)
}
