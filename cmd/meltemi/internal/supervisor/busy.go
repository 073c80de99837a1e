package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
)

// leaveTime is how long a port of our own Envoy may stay bound after its listener is gone.
const leaveTime = 2 * time.Second

// checkBusy returns an error that names the first listener whose port somebody else
// listens on. Envoy would not notice: it lets several processes share a port, and the
// kernel would give each some of the connections. bound are the addresses that our own
// Envoy has. A listener that sets enable_reuse_port itself is not looked at.
func checkBusy(ctx context.Context, listeners []*listenerv3.Listener, bound map[string]string) error {
	ours := map[string]bool{}
	for _, address := range bound {
		ours[address] = true
	}
	for _, l := range listeners {
		if l.GetEnableReusePort() != nil || l.GetBindToPort() != nil && !l.GetBindToPort().GetValue() {
			continue
		}
		for _, a := range addressesOf(l) {
			address, ok := tcpAddress(a)
			if !ok || ours[address.String()] {
				continue
			}
			if err := awaitFree(ctx, address, len(bound) > 0); err != nil {
				return fmt.Errorf("listener %s: %w", l.GetName(), err)
			}
		}
	}
	return nil
}

func addressesOf(l *listenerv3.Listener) []*corev3.Address {
	addresses := append(make([]*corev3.Address, 0, 1+len(l.GetAdditionalAddresses())), l.GetAddress())
	for _, more := range l.GetAdditionalAddresses() {
		addresses = append(addresses, more.GetAddress())
	}
	return addresses
}

// tcpAddress is the address of a TCP port that is chosen; others are never busy, or for
// Envoy to judge.
func tcpAddress(a *corev3.Address) (netip.AddrPort, bool) {
	socket := a.GetSocketAddress()
	if socket == nil || socket.GetProtocol() != corev3.SocketAddress_TCP || socket.GetPortValue() == 0 {
		return netip.AddrPort{}, false
	}
	ip, err := netip.ParseAddr(socket.GetAddress())
	return netip.AddrPortFrom(ip, uint16(socket.GetPortValue())), err == nil //nolint:gosec // the rules of Envoy's API bound it
}

// awaitFree returns an error if somebody listens on address: at once, or, if it may be our
// own Envoy that is about to leave it, when that takes too long.
func awaitFree(ctx context.Context, address netip.AddrPort, mayBeOurs bool) error {
	if mayBeOurs {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, leaveTime)
		defer cancel()
	}
	var busy error
	err := poll(ctx, func() (bool, error) {
		busy = listenBriefly(address)
		return busy == nil || !mayBeOurs, nil
	})
	if busy != nil {
		return busy
	}
	return err
}

// listenBriefly returns an error if somebody listens on address. Other reasons not to be
// able to are Envoy's to tell.
func listenBriefly(address netip.AddrPort) error {
	network := "tcp4"
	if address.Addr().Is6() {
		network = "tcp6"
	}
	l, err := net.ListenTCP(network, net.TCPAddrFromAddrPort(address))
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("another process uses %s", address)
	}
	if err == nil {
		l.Close() //nolint:errcheck,gosec // nobody has connected
	}
	return nil
}
