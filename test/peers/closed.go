package peers

import (
	"net"
	"strconv"
	"syscall"
	"testing"
)

// ClosedAddress returns an address that refuses connections until the test ends: a socket
// holds the port without listening, so that no other test, and no connection of anybody,
// gets it meanwhile.
func ClosedAddress(tb testing.TB) string {
	tb.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		tb.Fatal(err)
	}
	address, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		tb.Fatalf("the address of the socket is a %T", name)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(address.Port))
}
