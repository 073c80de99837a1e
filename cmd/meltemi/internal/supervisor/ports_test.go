package supervisor

import (
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
)

func listenerAt(name string, port uint32) *listenerv3.Listener {
	return &listenerv3.Listener{Name: name, Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
		SocketAddress: &corev3.SocketAddress{Address: "127.0.0.1", PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port}},
	}}}
}

func portOf(l *listenerv3.Listener) uint32 { return l.GetAddress().GetSocketAddress().GetPortValue() }

func TestChoosePorts(t *testing.T) {
	first, added, fixed := listenerAt("first", 0), listenerAt("added", 0), listenerAt("fixed", 7)
	bound := map[string]string{"first": "127.0.0.1:1"}
	chosen, err := choosePorts([]*listenerv3.Listener{first, added, fixed}, bound, nil)
	if err != nil {
		t.Fatal(err)
	}
	if portOf(first) != 0 || portOf(fixed) != 7 || portOf(added) == 0 {
		t.Fatalf("ports %d, %d, %d: only the added listener's is to be chosen", portOf(first), portOf(fixed), portOf(added))
	}
	bound["added"] = "127.0.0.1:2"
	again := listenerAt("added", 0)
	if _, err := choosePorts([]*listenerv3.Listener{again}, bound, chosen); err != nil {
		t.Fatal(err)
	}
	if portOf(again) != portOf(added) {
		t.Errorf("the next reload moves the listener from port %d to %d", portOf(added), portOf(again))
	}
}
