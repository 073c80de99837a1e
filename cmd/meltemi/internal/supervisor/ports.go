package supervisor

import (
	"fmt"
	"net"
	"net/netip"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
)

// choosePorts sets the ports of listeners that a reload adds with port 0, and returns
// them by name with those that earlier reloads chose.
//
// Envoy would give such a listener the socket of any other that is draining and that
// asked for port 0 of the same address, even if that other's successor still uses it:
// the two would share a port. At the start nothing drains, and Envoy chooses.
func choosePorts(listeners []*listenerv3.Listener, bound map[string]string, chosen map[string]uint32) (map[string]uint32, error) {
	next := map[string]uint32{}
	for _, l := range listeners {
		address := l.GetAddress().GetSocketAddress()
		if address == nil || address.GetPortValue() != 0 {
			continue
		}
		_, isBound := bound[l.GetName()]
		port, isChosen := chosen[l.GetName()]
		switch {
		case isBound && !isChosen: // by Envoy
			continue
		case !isBound:
			var err error
			if port, err = freePort(address.GetAddress()); err != nil {
				return nil, fmt.Errorf("listener %s: %w", l.GetName(), err)
			}
		}
		address.PortSpecifier = &corev3.SocketAddress_PortValue{PortValue: port}
		next[l.GetName()] = port
	}
	return next, nil
}

// freePort is a port of an IP address that nobody listens on at the moment.
func freePort(ip string) (uint32, error) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(ip)})
	if err != nil {
		return 0, err
	}
	defer listener.Close() //nolint:errcheck // nobody has connected
	address, err := netip.ParseAddrPort(listener.Addr().String())
	return uint32(address.Port()), err
}
