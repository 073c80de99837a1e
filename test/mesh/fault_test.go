package mesh

import (
	"fmt"
	"testing"
)

// fault: delays and errors that Istio injects are those of the protocol, and what is
// aborted reaches no server.
func (o *traffic) fault(t *testing.T) {
	protocols := []*faulty{
		{codec: "dubbo", address: o.address, port: "20880", native: dubboServerError, code: "INTERNAL"},
		{codec: "thrift", port: "9091", native: 6, code: "UNKNOWN", flags: []string{"--codec-config", theader}}, // INTERNAL_ERROR
		{codec: "brpc", port: "8002", native: 2001, code: "UNKNOWN"},                                            // EINTERNAL
	}
	numbers := map[string]int{"thrift": 9090, "brpc": 8002}
	for _, p := range protocols {
		if number := numbers[p.codec]; number == 0 {
			o.ApplyFile("examples/istio/fault.yaml")
		} else {
			service := p.codec + "-orders"
			o.ApplyFile("examples/istio/"+p.codec+".yaml", "orders", service, "app: "+p.codec, "app: dubbo")
			o.ApplyFile("examples/istio/fault.yaml", "orders", service)
			o.Bound(service)
			p.address = o.Address(service, number)
		}
	}
	for _, p := range protocols {
		for _, s := range o.servers {
			s.serve(p.codec, p.port)
		}
		t.Run(p.codec, func(t *testing.T) { o.faults(t, p) })
	}
}

// faulty is a service of a protocol with faults, and the error that clients see of them.
type faulty struct {
	codec, address, port string
	flags                []string // of calls
	native               int
	code                 string // what a client in Go reads it as
}

func (o *traffic) faults(t *testing.T, p *faulty) {
	call := func(method string, flags ...string) Call {
		return o.client.Call(p.codec, p.address, method, append(flags, p.flags...)...)
	}
	o.client.Await(p.codec, p.address, "Orders/get", p.flags...)
	o.Eventually(func() string {
		if c := call("Orders/broken"); c.Status.Native != p.native {
			return fmt.Sprintf("nothing is injected: %+v", c)
		}
		return ""
	})
	_, before := o.seen("Orders/get")
	injected := o.client.Counted(func() {
		for _, c := range []Call{call("Orders/broken"), call("Orders/get", "--set", "tenant=chaos")} {
			if c.OK || c.Status.Native != p.native || c.Status.Code != p.code {
				t.Errorf("%+v, want the code %d", c, p.native)
			}
		}
		if c := call("Orders/slow"); !c.OK || c.Millis < 490 {
			t.Errorf("%+v, want an answer after half a second", c)
		}
	}, `http\..*\.fault\.aborts_injected`, `http\..*\.fault\.delays_injected`)
	_, broken := o.seen("Orders/broken")
	_, slow := o.seen("Orders/slow")
	_, after := o.seen("Orders/get")
	if injected[0] != 2 || injected[1] != 1 || broken != 0 || after != before || slow != 1 {
		t.Errorf("the client's proxy counts %v aborts and delays, want 2 and 1; the servers saw %d and %d aborted calls, and %d that waited",
			injected, broken, after-before, slow)
	}
}
