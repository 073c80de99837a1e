package mesh

import (
	"fmt"
	"testing"
)

// Weights are changed under load, and no call is lost.
func TestWeights(t *testing.T) {
	t.Parallel()
	o := startOrders(t, "--delay", "2ms")
	weights := func(v1, v2 int) {
		o.ApplyFile("examples/istio/weights.yaml", "weight: 90\n", fmt.Sprintf("weight: %d\n", v1), "weight: 10\n", fmt.Sprintf("weight: %d\n", v2))
	}
	weights(100, 0)
	o.goesTo(o.v1, "Orders/get")
	stop := o.client.Load(400, "thrift", o.address, "Orders/get", "--concurrency", "4")
	before := o.v2.Seen("Orders/get")
	weights(90, 10)
	o.shareOfV2(4, 18)
	weights(50, 50)
	o.shareOfV2(40, 60)
	weights(0, 100)
	o.shareOfV2(100, 100)
	weights(100, 0)
	o.shareOfV2(0, 0)
	all := stop()
	if all.Failed > 0 || all.Servers["orders-v1"] == 0 || all.Servers["orders-v2"] == 0 {
		t.Errorf("under load: %+v, want calls by both and no failure", all)
	}
	// The calls of shareOfV2 are there too.
	if seen := o.v2.Seen("Orders/get") - before; seen < all.Servers["orders-v2"] {
		t.Errorf("v2 saw %d calls, the load's client says %d", seen, all.Servers["orders-v2"])
	}
	if lost := o.client.Counter(`cluster\.outbound\|9090\|v[12]\|orders\..*\.upstream_rq_[45]xx`); lost > 0 {
		t.Errorf("the client's proxy counts %d failed calls", lost)
	}
}

// shareOfV2 waits until version 2 answers so many of a hundred calls.
func (o *orders) shareOfV2(least, most int) {
	o.t.Helper()
	o.Eventually(func() string {
		c := o.client.Calls(300, "thrift", o.address, "Orders/get", "--concurrency", "4")
		if share := c.Servers["orders-v2"] / 3; c.Failed > 0 || share < least || share > most || most == 100 && c.Servers["orders-v1"] > 0 || most == 0 && c.Servers["orders-v2"] > 0 {
			return fmt.Sprintf("%+v, want %d to %d of 100 by v2", c, least, most)
		}
		return ""
	})
}
