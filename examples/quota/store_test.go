package quota

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

// TestServersThatDoNotAnswer asks where nobody listens, and where somebody listens who
// never answers. What a real Redis counts is tested with one, through Envoy.
func TestServersThatDoNotAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, address := range map[string]string{"nobody listens": closedAddress(t), "no answer": l.Addr().String()} {
		s := newRedisStore(address, 50*time.Millisecond, 1)
		began := time.Now()
		if _, err := s.take(t.Context(), "k", 1, time.Second); err == nil {
			t.Errorf("%s: it was counted", name)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
		s.close()
	}
}

// closedAddress returns an address at which nobody listens until the test ends: a socket
// holds the port without listening, so that nobody else gets it meanwhile.
func closedAddress(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}

// TestCancelled has a call that waits for the only connection, which another one has.
func TestCancelled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newRedisStore(l.Addr().String(), time.Minute, 1)
	take := func(ctx context.Context) <-chan error {
		ended := make(chan error, 1)
		go func() {
			_, err := s.take(ctx, "k", 1, time.Second)
			ended <- err
		}()
		return ended
	}
	first := take(t.Context())
	c, err := l.Accept() // and nobody will answer
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, giveUp := context.WithCancel(t.Context())
	second := take(ctx)
	for deadline := time.Now().Add(20 * time.Second); s.client.PoolStats().PendingRequests < 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the second call does not wait")
		}
	}
	giveUp()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("a call whose client is gone: %v", err)
	}
	s.close()
	if err := <-first; err == nil {
		t.Error("nobody answered, and it was counted")
	}
}
