package mesh

import (
	"fmt"
	"strings"
	"testing"
)

// headers: what a route does to headers is done to the metadata in the message.
func (o *traffic) headers(t *testing.T) {
	o.serve()
	o.ApplyFile("examples/istio/headers.yaml")
	o.Eventually(func() string {
		if c := o.call("Orders/warm"); c.Metadata["lane"] != "canary" {
			return fmt.Sprintf("%+v, want the lane", c)
		}
		return ""
	})
	c := o.call("Orders/get", "--set", "lane=stable", "--set", "debug=yes", "--set", "tenant=blue")
	if _, debug := c.Metadata["debug"]; !c.OK || debug || c.Metadata["lane"] != "canary" || c.Metadata["tenant"] != "blue" {
		t.Errorf("the server saw %v, want the lane canary, no debug, and the tenant as it was", c.Metadata)
	}
	if !strings.Contains(c.Text, `"answered-by":"canary"`) {
		t.Errorf("the client got %s, want metadata of the answer", c.Text)
	}
	if each, sum := o.seen("Orders/get", `"lane":"canary"`, `"tenant":"blue"`); sum != 1 {
		t.Errorf("the servers saw %v", each)
	}
}
