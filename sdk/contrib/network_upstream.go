package contrib

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"
	"github.com/envoyproxy/envoy/contrib/golang/filters/network/source/go/pkg/network"
)

// upstream is a connection that Envoy opens in its cluster "plainText"; api.UpstreamFilter.
// Its callbacks come on any worker.
type upstream struct {
	conn  *conn
	ready chan error // of the attempt
}

// dial opens a connection to an address, host:port in digits. A context that ends before
// that leaves the connection to be closed when it is there.
func dial(ctx context.Context, to string, limit int) (net.Conn, error) {
	u := &upstream{conn: newConn(nil, limit), ready: make(chan error, 1)}
	network.CreateUpstreamConn(to, u)
	select {
	case err := <-u.ready:
		if err != nil {
			return nil, fmt.Errorf("%s: %w", to, err)
		}
		return u.conn, nil
	case <-ctx.Done():
		_ = u.conn.Close()
		return nil, fmt.Errorf("%s: %w", to, ctx.Err())
	}
}

// OnPoolReady implements api.UpstreamFilter.
func (u *upstream) OnPoolReady(envoy api.ConnectionCallback) {
	defer barrier("a connection to a server", nil)
	c := u.conn
	local, remote := addresses(envoy)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.local, c.remote, c.envoy = local, remote, envoy
	if c.closed { // nobody waits for it any more
		envoy.Close(api.NoFlush)
	}
	u.ready <- nil
}

var errPool = errors.New("no connection")

// OnPoolFailure implements api.UpstreamFilter. Envoy has no object then, and none must be
// asked for anything.
func (u *upstream) OnPoolFailure(reason api.PoolFailureReason, _ string) {
	defer barrier("a connection to a server", nil)
	u.conn.gone()
	u.ready <- fmt.Errorf("%w (pool failure %d)", errPool, reason)
}

// OnData implements api.UpstreamFilter.
func (u *upstream) OnData(b []byte, end bool) {
	defer barrier("bytes of a server", nil)
	u.conn.feed(b, end)
}

// OnEvent implements api.UpstreamFilter.
func (u *upstream) OnEvent(event api.ConnectionEvent) {
	defer barrier("the end of a connection", nil)
	if event == api.LocalClose || event == api.RemoteClose {
		u.conn.gone()
	}
}
