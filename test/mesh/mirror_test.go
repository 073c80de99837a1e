package mesh

import (
	"fmt"
	"testing"
)

// mirror: calls go to version 2 too, one-way calls as well, with all that is in them, and
// clients see nothing of it.
func (o *traffic) mirror(t *testing.T) {
	o.serve()
	v2 := o.servers[1]
	o.ApplyFile("examples/istio/mirror.yaml", "value: 50", "value: 100")
	o.Eventually(func() string {
		if c := o.call("Orders/warm"); !c.OK || v2.Seen("Orders/warm") == 0 {
			return fmt.Sprintf("v2 sees no shadow of %+v", c)
		}
		return ""
	})
	grown := o.client.Counted(func() {
		c := o.client.Calls(20, "dubbo", o.address, "Orders/get", "--set", "tenant=blue")
		if c.OK != 20 || c.Servers[v2.Name] > 0 {
			t.Errorf("%+v, want all answered by version 1", c)
		}
		if one := o.client.Calls(10, "dubbo", o.address, "Orders/note", "--oneway"); one.OK != 10 {
			t.Errorf("one-way: %+v", one)
		}
		o.Eventually(func() string {
			get, sumGet := o.seen("Orders/get", `"tenant":"blue"`)
			note, sumNote := o.seen("Orders/note")
			if get[1] != 20 || sumGet != 40 || note[1] != 10 || sumNote != 20 {
				return fmt.Sprintf("the servers saw %v calls and %v one-way calls, want 20 and 10 at version 2, and as many at the others", get, note)
			}
			return ""
		})
	}, o.stat("v1", "upstream_rq_total"), o.stat("v2", "upstream_rq_total"))
	if grown[0] != 30 || grown[1] != 30 {
		t.Errorf("the client's proxy counts %v calls for the versions, want 30 and 30", grown)
	}

	o.ApplyFile("examples/istio/mirror.yaml")
	for batch := 0; ; batch++ {
		method := fmt.Sprintf("Orders/half%d", batch)
		c := o.client.Calls(200, "dubbo", o.address, method)
		shadows := v2.Seen(method)
		if c.OK == 200 && shadows > 50 && shadows < 150 {
			break
		}
		if batch == 20 {
			t.Fatalf("%+v, and version 2 saw %d of them, want about 100", c, shadows)
		}
	}
}
