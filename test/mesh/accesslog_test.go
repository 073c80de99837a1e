package mesh

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// logged is what a line of the provider "calls" of mesh-config.yaml has. What there is not
// is empty.
type logged struct {
	Call, Kind, Tenant, Status, Native, Flags, Upstream, Peer string
}

// accessLog: both proxies write what was called, with which metadata, by whom, and how it
// ended, in the mesh's terms and in the protocol's.
func (o *telemetry) accessLog(t *testing.T) {
	o.orders.serve("thrift", "9091", "--exception=shop.Empty")
	o.ApplyFile("examples/istio/access-log.yaml")
	call := func(method string, flags ...string) {
		o.client.Call("thrift", o.ordersAddress, method, append(flags, "--set", "tenant=blue", "--codec-config", theader)...)
	}
	principal := fmt.Sprintf("spiffe://cluster.local/ns/%s/sa/default", o.Name)
	client := logged{Call: "/Orders/get", Tenant: "blue", Status: "Unknown", Native: "6", Flags: "-", Upstream: fmt.Sprintf("outbound|9190||orders.%s.svc.cluster.local;", o.Name)}
	server := logged{Call: "/Orders/get", Tenant: "blue", Status: "Unknown", Native: "6", Flags: "-", Upstream: "inbound|9091||;", Peer: principal}
	o.Eventually(func() string {
		call("Orders/get")
		return o.logs(o.client, client) + o.logs(o.orders, server)
	})

	call("Orders/note", "--oneway")
	client.Call, client.Kind, client.Status, client.Native = "/Orders/note", "oneway", "OK", ""
	server.Call, server.Kind, server.Status, server.Native = "/Orders/note", "oneway", "OK", ""
	o.Eventually(func() string { return o.logs(o.client, client) + o.logs(o.orders, server) })

	o.orders.App.Stop()
	call("Orders/list")
	server = logged{Call: "/Orders/list", Tenant: "blue", Status: "Unavailable", Flags: "URX,UF", Upstream: "inbound|9091||;", Peer: principal}
	o.Eventually(func() string { return o.logs(o.orders, server) })
	if n := o.orders.Seen("Orders/note", `"tenant":"blue"`); n != 1 {
		t.Errorf("the server saw %d one-way calls", n)
	}
}

// logs looks for a line in what a pod's proxy printed, and tells what is there instead.
func (o *telemetry) logs(p *Pod, want logged) string {
	var others []logged
	for line := range strings.Lines(p.Proxy.Output()) {
		var is logged
		if json.Unmarshal([]byte(line), &is) != nil || is.Call != want.Call {
			continue
		}
		if is == want {
			return ""
		}
		others = append(others, is)
	}
	return fmt.Sprintf("the proxy of %s logged %+v, want %+v. ", p.Name, others, want)
}
