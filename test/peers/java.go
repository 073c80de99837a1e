package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
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

// builds are the versions that were built or found, once for a test binary.
var builds struct {
	sync.Mutex
	done map[string]bool
}

// classPath builds the peers of a version, unless they are there, and returns their
// class path.
func (j Java) classPath(tb testing.TB) string {
	tb.Helper()
	source := filepath.Join(root(tb), "test", "peers", "java")
	target := filepath.Join(root(tb), ".cache", "java", j.Version)
	builds.Lock()
	defer builds.Unlock()
	if !builds.done[j.Version] {
		j.build(tb, source, target)
		if builds.done == nil {
			builds.done = map[string]bool{}
		}
		builds.done[j.Version] = true
	}
	return filepath.Join(target, "peer.jar") + string(os.PathListSeparator) + filepath.Join(target, "lib", "*")
}

func (j Java) build(tb testing.TB, source, target string) {
	tb.Helper()
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			tb.Fatalf("%s is not installed; the Dubbo peers need a JDK and Maven (.ci/install gets them on Debian)", tool)
		}
	}
	if upToDate(source, filepath.Join(target, "peer.jar")) {
		return
	}
	if err := os.RemoveAll(target); err != nil {
		tb.Fatal(err)
	}
	run(tb, 10*time.Minute, "mvn", "-q", "-B", "-f", filepath.Join(source, "pom.xml"), "package",
		"-Ddubbo.version="+j.Version, "-Dpeer.directory="+target)
}

// upToDate reports whether the result is newer than all of the sources.
func upToDate(source, result string) bool {
	built, err := os.Stat(result)
	if err != nil {
		return false
	}
	err = filepath.WalkDir(source, func(_ string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && !entry.IsDir() && info.ModTime().After(built.ModTime()) {
			return os.ErrExist
		}
		return err
	})
	return err == nil
}

// command returns a command that runs one of the peers' classes.
func (j Java) command(ctx context.Context, tb testing.TB, class string, args ...string) *exec.Cmd {
	tb.Helper()
	all := []string{
		"-Xmx512m", "-Djava.net.preferIPv4Stack=true", "-Duser.home=" + tb.TempDir(),
		"-Djdk.net.hosts.file=" + filepath.Join(root(tb), "test", "peers", "java", "hosts"),
	}
	for _, pkg := range []string{"java.lang", "java.util", "java.math", "java.lang.reflect"} {
		all = append(all, "--add-opens", "java.base/"+pkg+"=ALL-UNNAMED")
	}
	all = append(all, "-cp", j.classPath(tb), "dev.meltemi.peer."+class)
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
	class, first := "Consumer", []string{port, what, strconv.Itoa(threads), millis, j.preferred()}
	if what == "errors" {
		class, first = "Errors", []string{port, millis, j.preferred()}
	}
	return &Client{begin(tb, j.command(context.Background(), tb, class, append(first, args...)...))}
}

// preferred is the serialization that a consumer asks for.
func (j Java) preferred() string {
	if j.Serialization == "" {
		return "hessian2"
	}
	return j.Serialization
}
