package mesh

import (
	"fmt"
	"testing"
)

// Dubbo's statuses of responses.
const (
	dubboServerTimeout = 31
	dubboServerError   = 80
	dubboOverloaded    = 100
)

// timeout: a call ends with Dubbo's timeout when the route's is over, and one server has
// had it, once.
func (o *traffic) timeout(t *testing.T) {
	o.serve("--delay", "10s")
	o.ApplyFile("examples/istio/timeout.yaml")
	o.Eventually(func() string {
		if c := o.call("Orders/warm"); c.Status.Native != dubboServerTimeout {
			return fmt.Sprintf("no timeout yet: %+v", c)
		}
		return ""
	})
	grown := o.client.Counted(func() {
		c := o.call("Orders/get")
		if c.OK || c.Status.Code != "DEADLINE_EXCEEDED" || c.Status.Native != dubboServerTimeout || c.Millis < 450 || c.Millis > 9500 {
			t.Errorf("%+v, want a timeout after half a second", c)
		}
		o.Eventually(func() string {
			if each, sum := o.seen("Orders/get"); sum != 1 {
				return fmt.Sprintf("the servers saw %v, want one call", each)
			}
			return ""
		})
	}, o.stat("", "upstream_rq_retry"),
		// The route's timeout is the call's deadline too. Any of three may be the first: the
		// client's router, its connection manager, and the server's proxy, which answers
		// DEADLINE_EXCEEDED (4).
		o.stat("", "upstream_rq_timeout"), `http\.outbound_0\.0\.0\.0_20880;?\.downstream_rq_max_duration_reached`, o.stat("", `grpc\.4`))
	if grown[0] != 0 || grown[1]+grown[2]+grown[3] == 0 {
		t.Errorf("the client's proxy counts %v retries and kinds of timeouts, want no retry and a timeout", grown)
	}
}

// perTryTimeout: a server that is slow has a call, but another one answers.
func (o *traffic) perTryTimeout(t *testing.T) {
	slow := o.servers[0]
	slow.serve("dubbo", "20880", "--delay", "10s")
	for _, quick := range o.servers[1:] {
		quick.serve("dubbo", "20880")
	}
	// Times that a quick server keeps on a busy machine, and the slow one does not.
	o.ApplyFile("examples/istio/per-try-timeout.yaml", "perTryTimeout: 300ms", "perTryTimeout: 3s", "timeout: 2s", "timeout: 30s")
	succeeded := o.stat("", "upstream_rq_retry_success")
	o.Eventually(func() string {
		before := o.client.Counter(succeeded)
		if c := o.call("Orders/get"); !c.OK || o.client.Counter(succeeded) == before {
			return fmt.Sprintf("not tried again: %+v", c)
		}
		return ""
	})
	grown := o.client.Counted(func() {
		c := o.client.Calls(30, "dubbo", o.address, "Orders/get", "--concurrency", "3", "--set", "tenant=blue")
		if c.OK != 30 || c.Servers[slow.Name] > 0 {
			t.Errorf("%+v, want all answered by the quick servers", c)
		}
	}, succeeded, o.stat("", "upstream_rq_retry"))
	if grown[0] == 0 {
		t.Error("no call was tried again")
	}
	o.Eventually(func() string { // it tells of a call when that has ended
		if seen := slow.Seen("Orders/get", `"tenant":"blue"`); seen != grown[1] {
			return fmt.Sprintf("the slow server saw %d calls, and %d were tried again", seen, grown[1])
		}
		return ""
	})
}
