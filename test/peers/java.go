package peers

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/machine"
)

// Java is a version of Apache Dubbo for Java.
type Java struct {
	Version string
	// Serialization is what consumer and provider prefer; "" is the version's default.
	Serialization string
}

// String names the peer.
func (j Java) String() string {
	if j.Serialization == "" {
		return "java-" + j.Version
	}
	return "java-" + j.Version + "-" + j.Serialization
}

// Build builds the peer's program, as its first use does, which may take a network.
func (j Java) Build(tb testing.TB) {
	tb.Helper()
	j.program(tb)
}

func (j Java) program(tb testing.TB) string {
	tb.Helper()
	return mavenProgram(tb, "java", j.Version, "-Ddubbo.version="+j.Version)
}

// command returns a command that runs one of the peers' classes.
func (j Java) command(ctx context.Context, tb testing.TB, class string, args ...string) *exec.Cmd {
	tb.Helper()
	all := []string{
		"-Xmx512m", "-Djava.net.preferIPv4Stack=true", "-Duser.home=" + tb.TempDir(),
		"-Djdk.net.hosts.file=" + filepath.Join(machine.Root(tb), "test", "peers", "java", "hosts"),
	}
	for _, pkg := range []string{"java.lang", "java.util", "java.math", "java.lang.reflect"} {
		all = append(all, "--add-opens", "java.base/"+pkg+"=ALL-UNNAMED")
	}
	all = append(all, "-cp", j.program(tb), "dev.meltemi.peer."+class)
	return exec.CommandContext(ctx, "java", append(all, args...)...)
}

// StartServer implements Peer.
func (j Java) StartServer(tb testing.TB, port string) *Server {
	tb.Helper()
	args := []string{port}
	if j.Serialization != "" {
		args = append(args, j.Serialization)
	}
	s := &Server{begin(tb, j.command(context.Background(), tb, "Provider", args...)), port}
	s.await("READY", time.Minute)
	return s
}

// StartClient implements Peer. Several ports stand between commas: the consumer calls
// one of them, and goes on with another when it is asked to go.
func (j Java) StartClient(tb testing.TB, port, what string, threads int, timeout time.Duration, args ...string) *Client {
	tb.Helper()
	millis := strconv.FormatInt(timeout.Milliseconds(), 10)
	if what == "errors" {
		return &Client{begin(tb, j.command(context.Background(), tb, "Errors", append([]string{port, millis, j.preferred()}, args...)...))}
	}
	return &Client{begin(tb, j.command(context.Background(), tb, "Consumer", append([]string{
		port, what, strconv.Itoa(threads), millis, j.preferred(),
	}, args...)...))}
}

// preferred is the serialization that a consumer asks for.
func (j Java) preferred() string {
	if j.Serialization == "" {
		return "hessian2"
	}
	return j.Serialization
}
