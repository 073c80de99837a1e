package mesh

import (
	"fmt"
	"testing"
)

// outlier: a server that refuses connections and one that says it cannot serve are left
// out; one that throws exceptions is not.
func (o *traffic) outlier(t *testing.T) {
	well, busy, gone := o.servers[0], o.servers[1], o.servers[2]
	well.serve("dubbo", "20880", "--exception=com.shop.OutOfStock")
	busy.serve("dubbo", "20880", "--fail", "1")
	o.ApplyFile("examples/istio/retry.yaml") // payments are not retried, so that failures show
	o.ApplyFile("examples/istio/outlier-detection.yaml", "maxEjectionPercent: 50", "maxEjectionPercent: 100",
		"baseEjectionTime: 30s", "baseEjectionTime: 10m") // or servers are back before all is checked
	pay := func() (c Calls, byWell int) {
		before := well.Seen("Orders/pay")
		c = o.client.Calls(20, "dubbo", o.address, "Orders/pay")
		return c, well.Seen("Orders/pay") - before
	}
	o.Eventually(func() string { // Envoy tells its workers of ejections once a second
		if c, byWell := pay(); byWell != 20 {
			return fmt.Sprintf("%+v, want all by %s", c, well.Name)
		}
		return ""
	})
	if c := o.client.Calls(80, "dubbo", o.address, "Orders/note", "--oneway", "--concurrency", "8"); c.OK != 80 {
		t.Errorf("one-way: %+v", c)
	}
	failed := `outlier_detection\.ejections_detected_.*`
	if active, all := o.client.Counter(o.stat("", `outlier_detection\.ejections_active`)), o.client.Counter(o.stat("", failed)); active != 2 || all != 2 {
		t.Errorf("%d servers are ejected, and %d have been; want the one that is busy and the one that is gone", active, all)
	}
	before, refused := busy.Seen("Orders/pay"), `cluster\.inbound\|20880\|\|;?\.upstream_cx_connect_fail`
	grown := gone.Counted(func() {
		if c, byWell := pay(); byWell != 20 || c.Errors["exception com.shop.OutOfStock: orders-v1 raises this on purpose"] != 20 {
			t.Errorf("%+v, want all by %s with its exception", c, well.Name)
		}
	}, refused)
	if more := busy.Seen("Orders/pay") - before; more != 0 || grown[0] != 0 {
		t.Errorf("%d calls went to the server that is busy, and %v to the one that is gone", more, grown)
	}
}
