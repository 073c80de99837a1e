package peers

import (
	"cmp"
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Peer is a kind of consumer and provider of the service dev.meltemi.peer.Peer.
type Peer interface {
	String() string
	// StartProvider starts a provider, until the test's end.
	StartProvider(tb testing.TB) *Provider
	// Consume makes calls to a port and returns a line for each. What is the number of
	// calls, or the name of a single call with its arguments: "executions", "idle",
	// "sleep" and the milliseconds.
	Consume(tb testing.TB, port, what string, threads int, timeout time.Duration, args ...string) []string
}

// DubboGo is dubbo-go, in the version that dubbogo/go.mod names.
type DubboGo struct {
	// Heartbeat is how often a provider sends a heartbeat on each of its connections; 0
	// is a minute, dubbo-go's own default. Consumers send one each second.
	Heartbeat time.Duration
}

// String names the peer.
func (DubboGo) String() string { return "dubbo-go" }

// dubboGoBuild keeps tests from building the program more than once.
var dubboGoBuild struct {
	sync.Mutex
	binary string
}

func dubboGoBinary(tb testing.TB) string {
	tb.Helper()
	dubboGoBuild.Lock()
	defer dubboGoBuild.Unlock()
	if dubboGoBuild.binary == "" {
		dir := root(tb)
		binary := filepath.Join(dir, ".cache", "dubbogo")
		run(tb, 10*time.Minute, "go", "-C", filepath.Join(dir, "test", "peers", "dubbogo"), "build", "-buildvcs=false", "-o", binary, ".")
		dubboGoBuild.binary = binary
	}
	return dubboGoBuild.binary
}

// StartProvider implements Peer.
func (d DubboGo) StartProvider(tb testing.TB) *Provider {
	tb.Helper()
	port, heartbeat := freePort(tb), cmp.Or(d.Heartbeat, time.Minute)
	p := &Provider{begin(tb, exec.Command(dubboGoBinary(tb), "serve", port, heartbeat.String())), port}
	p.await("READY", time.Minute)
	return p
}

// Consume implements Peer.
func (DubboGo) Consume(tb testing.TB, port, what string, threads int, timeout time.Duration, args ...string) []string {
	tb.Helper()
	c := Consumer{begin(tb, exec.CommandContext(context.Background(), dubboGoBinary(tb), append([]string{
		"call", port, what, strconv.Itoa(threads), strconv.FormatInt(timeout.Milliseconds(), 10),
	}, args...)...))}
	return c.Results()
}

// Errors makes a call for each of the cases, as Java's does. A status has no class
// here, but the type of dubbo-go's error.
func (d DubboGo) Errors(tb testing.TB, port string, timeout time.Duration, cases ...string) map[string]Seen {
	tb.Helper()
	return seen(tb, d, d.Consume(tb, port, "errors", 1, timeout, cases...))
}
