package peers

import (
	"cmp"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// DubboGo is dubbo-go, in the version that dubbogo/go.mod names. The class of an error
// that is no exception is the type of dubbo-go's error. It has no "load".
type DubboGo struct {
	// Heartbeat is how often a server sends a heartbeat on each of its connections; 0
	// is a minute, dubbo-go's own default. Clients send one each second.
	Heartbeat time.Duration
}

// String names the peer.
func (DubboGo) String() string { return "dubbo-go" }

// StartServer implements Peer.
func (d DubboGo) StartServer(tb testing.TB, port string) *Server {
	tb.Helper()
	heartbeat := cmp.Or(d.Heartbeat, time.Minute)
	s := &Server{begin(tb, exec.Command(goProgram(tb, "dubbogo"), "serve", port, heartbeat.String())), port}
	s.await("READY", time.Minute)
	return s
}

// StartClient implements Peer.
func (DubboGo) StartClient(tb testing.TB, port, what string, threads int, timeout time.Duration, args ...string) *Client {
	tb.Helper()
	return &Client{begin(tb, exec.Command(goProgram(tb, "dubbogo"), append([]string{
		"call", port, what, strconv.Itoa(threads), strconv.FormatInt(timeout.Milliseconds(), 10),
	}, args...)...))}
}
