package mesh

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
)

// retry counts the executions of calls: Istio's own three, what a route says, and never
// more than one once a server may have begun.
func (o *traffic) retry(t *testing.T) {
	o.serve("--fail", "1")
	o.Eventually(func() string {
		if c := o.call("Orders/warm"); c.Status.Native != dubboOverloaded {
			return fmt.Sprintf("%+v, want the servers' own status", c)
		}
		return ""
	})
	o.tried(t, "Orders/get", 3)

	o.ApplyFile("examples/istio/retry.yaml")
	o.Eventually(func() string {
		_, before := o.seen("Orders/warm")
		o.call("Orders/warm")
		if _, after := o.seen("Orders/warm"); after-before != 5 {
			return fmt.Sprintf("%d executions, want 5", after-before)
		}
		return ""
	})
	o.tried(t, "Orders/list", 5)
	o.tried(t, "Orders/pay", 1)
}

// tried checks how often servers execute a call that all of them refuse.
func (o *traffic) tried(t *testing.T, method string, want int) {
	t.Helper()
	grown := o.client.Counted(func() {
		if c := o.call(method); c.OK || c.Status.Native != dubboOverloaded || c.Status.Code != "UNAVAILABLE" {
			t.Errorf("%s: %+v, want the status of the servers", method, c)
		}
	}, o.stat("", "upstream_rq_retry"))
	if each, sum := o.seen(method); sum != want || grown[0] != want-1 {
		t.Errorf("%s was executed %v times and retried %v times, want %d executions", method, each, grown, want)
	}
}

// refused: a server whose program is gone costs no call, since others are tried.
func (o *traffic) refused(t *testing.T) {
	for _, s := range o.servers[1:] {
		s.serve("dubbo", "20880")
	}
	o.client.Await("dubbo", o.address, "Orders/warm")
	gone := o.servers[0]
	failed := gone.Counted(func() {
		if c := o.client.Calls(60, "dubbo", o.address, "Orders/get"); c.OK != 60 {
			t.Errorf("%+v, want no call lost", c)
		}
	}, `cluster\.inbound\|20880\|\|;?\.upstream_cx_connect_fail`)
	if _, sum := o.seen("Orders/get"); sum != 60 || failed[0] == 0 {
		t.Errorf("the others saw %d calls, and the proxy of the one that is gone counts %v refused connections", sum, failed)
	}
}

// lost: a server that dies with a call may have executed it, so nobody repeats it.
func (o *traffic) lost(t *testing.T) {
	var begun atomic.Int32
	for _, s := range o.servers {
		var listener net.Listener
		var err error
		s.Within(func() { listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "0.0.0.0:20880") })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() {
					if n, _ := conn.Read(make([]byte, 64)); n > 0 {
						begun.Add(1)
					}
					_ = conn.Close()
				}()
			}
		}()
	}
	grown := o.client.Counted(func() {
		for i := range 5 {
			c := o.call("Orders/pay")
			if c.OK || c.Status.Native != dubboServerError {
				t.Errorf("%+v, want Dubbo's server error", c)
			}
			if n := begun.Load(); n != int32(i+1) {
				t.Errorf("the servers began %d calls of %d", n, i+1)
			}
		}
	}, o.stat("", "upstream_rq_retry"))
	if grown[0] != 0 {
		t.Errorf("%v calls were repeated", grown)
	}
}
