package mesh

import (
	"fmt"
	"testing"
	"time"
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
	// Nobody repeats a shadow: one may be lost where a proxy has just been given something
	// new. So a batch without a loss is enough, but none may have more.
	for batch := 0; !o.mirrored(t, batch); batch++ {
		if batch == 4 {
			t.Fatal("each batch lost shadows")
		}
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

// mirrored makes calls that all have a shadow, and tells whether all shadows arrived.
func (o *traffic) mirrored(t *testing.T, batch int) bool {
	t.Helper()
	get, note := fmt.Sprintf("Orders/get%d", batch), fmt.Sprintf("Orders/note%d", batch)
	var shadows, oneway int
	grown := o.client.Counted(func() {
		c := o.client.Calls(20, "dubbo", o.address, get, "--set", "tenant=blue")
		if c.OK != 20 || c.Servers["orders-v2"] > 0 {
			t.Errorf("%+v, want all answered by version 1", c)
		}
		if c := o.client.Calls(10, "dubbo", o.address, note, "--oneway"); c.OK != 10 {
			t.Errorf("one-way: %+v", c)
		}
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && (shadows < 20 || oneway < 10); time.Sleep(100 * time.Millisecond) {
			shadows, oneway = o.servers[1].Seen(get, `"tenant":"blue"`), o.servers[1].Seen(note)
		}
	}, o.stat("v1", "upstream_rq_total"), o.stat("v2", "upstream_rq_total"))
	each, sum := o.seen(get, `"tenant":"blue"`)
	eachOneway, sumOneway := o.seen(note)
	if sum-shadows != 20 || sumOneway-oneway != 10 || shadows > 20 || oneway > 10 {
		t.Errorf("the servers saw %v calls and %v one-way calls, want 20 and 10 at version 1, and no more at version 2", each, eachOneway)
	}
	if shadows < 20 || oneway < 10 {
		t.Logf("the servers saw %v calls and %v one-way calls, and the client's proxy counts %v", each, eachOneway, grown)
		return false
	}
	if grown[0] != 30 || grown[1] != 30 {
		t.Errorf("the client's proxy counts %v calls for the versions, want 30 and 30", grown)
	}
	return true
}
