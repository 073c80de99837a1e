package mesh

import (
	"fmt"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/kube"
)

// traffic is the example's Dubbo service on three pods, two of version 1 and one of
// version 2, and a client. Each scenario starts the servers that it needs, and applies
// routes.
type traffic struct {
	*Namespace

	servers []*Pod
	client  *Pod
	address string
}

// TestTraffic is what Istio's routes and destination rules do to calls, one scenario after
// the other with the same pods.
func TestTraffic(t *testing.T) {
	t.Parallel()
	n := New(t)
	n.ApplyFile("examples/istio/strict.yaml")
	n.ApplyFile("examples/istio/dubbo.yaml")
	pods := n.Start(
		Spec{Name: "orders-v1", Labels: map[string]string{"app": "dubbo", "version": "v1", "region": "west"}},
		Spec{Name: "orders-v2", Labels: map[string]string{"app": "dubbo", "version": "v2"}},
		Spec{Name: "orders-v1b", Labels: map[string]string{"app": "dubbo", "version": "v1", "region": "west"}},
		Spec{Name: "client"},
	)
	o := &traffic{Namespace: n, servers: pods[:3], client: pods[3], address: n.Address("orders", 20880)}
	n.Bound("orders")
	for _, scenario := range []struct {
		name string
		run  func(*traffic, *testing.T)
	}{
		{"Mirror", (*traffic).mirror},
		{"Timeout", (*traffic).timeout},
		{"PerTryTimeout", (*traffic).perTryTimeout},
		{"Retry", (*traffic).retry},
		{"RetryRefused", (*traffic).refused},
		{"RetryLost", (*traffic).lost},
		{"Fault", (*traffic).fault},
		{"Outlier", (*traffic).outlier},
		{"RingHash", (*traffic).ringHash},
		{"SubsetLoadBalancing", (*traffic).subsets},
		{"HeaderMutation", (*traffic).headers},
	} {
		n.ApplyFile("examples/istio/dubbo.yaml") // scenarios replace its DestinationRule
		for _, s := range o.servers {
			s.App = nil
		}
		n.Run(scenario.name, func(t *testing.T) { scenario.run(o, t) })
	}
}

// serve has each server of the scenario run `meltemi serve` for Dubbo with the same flags.
func (o *traffic) serve(flags ...string) {
	o.t.Helper()
	for _, s := range o.servers {
		s.serve("dubbo", "20880", flags...)
	}
}

// serve runs `meltemi serve` in a pod until the scenario's end, as the pod's program.
func (p *Pod) serve(codec, port string, flags ...string) {
	p.t().Helper()
	args := append([]string{Built("meltemi"), "serve", codec, "0.0.0.0:" + port, "--name", p.Name, "--verbose"}, flags...)
	p.App = p.Begin(args...)
	kube.Eventually(p.t(), kube.Patience, func() string {
		switch {
		case strings.Contains(p.App.Output(), "ready "):
			return ""
		case p.App.Ended():
			p.t().Fatalf("%v ended", args)
		}
		return fmt.Sprintf("%v does not listen", args)
	})
}

// call makes a call to the service.
func (o *traffic) call(method string, flags ...string) Call {
	o.t.Helper()
	return o.client.Call("dubbo", o.address, method, flags...)
}

// seen is how many calls of a method each server saw.
func (o *traffic) seen(method string, texts ...string) (each []int, sum int) {
	o.t.Helper()
	for _, s := range o.servers {
		if s.App == nil {
			each = append(each, 0)
			continue
		}
		n := s.Seen(method, texts...)
		each, sum = append(each, n), sum+n
	}
	return each, sum
}

// stat is an expression for a counter of the client's proxy for the service and a subset.
func (o *traffic) stat(subset, name string) string {
	return fmt.Sprintf(`cluster\.outbound\|20880\|%s\|orders\.%s\.svc\.cluster\.local;?\.%s`, subset, o.Name, name)
}
