package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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

// Provider is a running provider.
type Provider struct {
	*process
	Port string
}

// StartProvider starts a provider of the version.
func (j Java) StartProvider(tb testing.TB) *Provider {
	tb.Helper()
	return j.StartProviderAt(tb, freePort(tb))
}

// StartProviderAt starts a provider at a port that another one has left.
func (j Java) StartProviderAt(tb testing.TB, port string) *Provider {
	tb.Helper()
	args := []string{port}
	if j.Serialization != "" {
		args = append(args, j.Serialization)
	}
	p := &Provider{begin(tb, j.command(context.Background(), tb, "Provider", args...)), port}
	p.await("READY", time.Minute)
	return p
}

// Consume makes calls to a port and returns a line for each. What is the number of
// calls, or the name of a single call with its arguments.
func (j Java) Consume(tb testing.TB, port, what string, threads int, timeout time.Duration, args ...string) []string {
	tb.Helper()
	return j.StartConsumer(tb, port, what, threads, timeout, args...).Results()
}

// Consumer is a running consumer.
type Consumer struct{ *process }

// StartConsumer is Consume without waiting for the results.
func (j Java) StartConsumer(tb testing.TB, port, what string, threads int, timeout time.Duration, args ...string) *Consumer {
	tb.Helper()
	p := begin(tb, j.command(context.Background(), tb, "Consumer", append([]string{
		port, what, strconv.Itoa(threads), strconv.FormatInt(timeout.Milliseconds(), 10), j.preferred(),
	}, args...)...))
	return &Consumer{p}
}

// Seen is what a consumer saw of a call that failed.
type Seen struct {
	Class string // of the exception
	Code  string // of an RpcException
	Took  time.Duration
	Text  string // of the innermost cause
}

// Errors makes a call for each of the cases, named by the attachment "case", and
// returns what the consumer saw.
func (j Java) Errors(tb testing.TB, port string, timeout time.Duration, cases ...string) map[string]Seen {
	tb.Helper()
	consumer := Consumer{begin(tb, j.command(context.Background(), tb, "Errors", append([]string{
		port, strconv.FormatInt(timeout.Milliseconds(), 10), j.preferred(),
	}, cases...)...))}
	return seen(tb, j, consumer.Results())
}

// seen reads what a consumer printed of calls that failed.
func seen(tb testing.TB, consumer Peer, lines []string) map[string]Seen {
	tb.Helper()
	all := map[string]Seen{}
	for _, line := range lines {
		f := strings.SplitN(line, "\t", 5)
		if len(f) != 5 {
			tb.Fatalf("%v printed %q", consumer, line)
		}
		millis, _ := strconv.Atoi(f[3])
		all[f[0]] = Seen{Class: f[1], Code: f[2], Took: time.Duration(millis) * time.Millisecond, Text: f[4]}
	}
	return all
}

// preferred is the serialization that a consumer asks for.
func (j Java) preferred() string {
	if j.Serialization == "" {
		return "hessian2"
	}
	return j.Serialization
}

// Results waits for the consumer's end and returns its lines.
func (c *Consumer) Results() []string {
	c.tb.Helper()
	c.await("DONE", 5*time.Minute)
	var lines []string
	for _, line := range c.output() {
		if line == "DONE" {
			return lines
		}
		if result, ok := strings.CutPrefix(line, "= "); ok {
			lines = append(lines, result)
		}
	}
	return lines
}
