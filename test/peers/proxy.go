package peers

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/machine"
)

// Proxy is an Envoy under `meltemi run`.
type Proxy struct {
	*process
	Port  string // of the listener "rpc"
	ready string // its line
	admin string
	file  string
}

// Change replaces the mesh file and waits until Envoy has taken it.
func (p *Proxy) Change(mesh string) {
	p.tb.Helper()
	if err := p.Apply(mesh); err != nil {
		p.tb.Fatal(err)
	}
}

// Apply is Change for any goroutine.
func (p *Proxy) Apply(mesh string) error {
	before := len(p.output())
	temporary := p.file + ".new"
	if err := os.WriteFile(temporary, []byte(mesh), 0o600); err != nil {
		return err
	}
	if err := os.Rename(temporary, p.file); err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, line := range p.output()[before:] {
			if strings.HasPrefix(line, "reloaded") {
				return nil
			}
		}
	}
	return fmt.Errorf("the change was not taken:\n%s", strings.Join(p.output()[before:], "\n"))
}

// Start runs a mesh file, with the Envoy of that version, until the test's end.
func Start(tb testing.TB, version, mesh string) *Proxy {
	tb.Helper()
	return StartWith(tb, version, filepath.Join(machine.Root(tb), "bin", "libmeltemi.so"), mesh)
}

// StartWith is Start with another library than Meltemi's own. A mesh file without a
// listener "rpc" leaves Port empty.
func StartWith(tb testing.TB, version, library, mesh string) *Proxy {
	tb.Helper()
	dir := machine.Root(tb)
	file := filepath.Join(tb.TempDir(), "mesh.yaml")
	if err := os.WriteFile(file, []byte(mesh), 0o600); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "bin", "meltemi"), "run", file,
		"--envoy", filepath.Join(dir, ".cache", "envoy", version, "envoy"),
		"--library", library, "--log-level", "error", "--drain-time", "8s")
	p := &Proxy{process: begin(tb, cmd), file: file}
	p.ready = p.await("ready ", time.Minute)
	p.admin = "http://" + submatch(tb, p.ready, `\badmin=(\S+)`)
	if strings.Contains(p.ready, " rpc=") {
		p.Port = p.PortOf("rpc")
	}
	return p
}

// PortOf returns the port of a listener.
func (p *Proxy) PortOf(listener string) string {
	p.tb.Helper()
	return submatch(p.tb, p.ready, `\b`+regexp.QuoteMeta(listener)+`=127\.0\.0\.1:(\d+)`)
}

// Page returns a page of Envoy's administration.
func (p *Proxy) Page(path string) (string, error) {
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(p.admin + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// Bridge returns a mesh file that leads to an RPC server.
func Bridge(codec, port string) string {
	return fmt.Sprintf(`
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: %[1]s
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: server}}]}]}
clusters:
- {name: server, codec: %[1]s, endpoints: ["127.0.0.1:%[2]s"]}
`, codec, port)
}

// Forward returns a mesh file that leads to another proxy, over HTTP/2.
func Forward(codec, port string) string {
	return fmt.Sprintf(`
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: %[1]s
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: server}}]}]}
clusters:
- name: server
  endpoints: ["127.0.0.1:%[2]s"]
  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicit_http_config: {http2_protocol_options: {}}
`, codec, port)
}

// ActiveAt returns how many calls are under way at an endpoint of a cluster.
func (p *Proxy) ActiveAt(cluster, endpoint string) int {
	p.tb.Helper()
	n, err := strconv.Atoi(p.line("/clusters", cluster+"::"+endpoint+"::rq_active::"))
	if err != nil {
		p.tb.Fatalf("cluster %s at %s: %v", cluster, endpoint, err)
	}
	return n
}

// Stat returns one of Envoy's counters or gauges, 0 if it does not exist yet.
func (p *Proxy) Stat(name string) int {
	p.tb.Helper()
	value := p.line("/stats?filter="+name, name+": ")
	if value == "" {
		return 0
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		p.tb.Fatalf("%s: %v", name, err)
	}
	return n
}

// line returns the rest of the line with that beginning on a page of Envoy's
// administration, "" if there is none.
func (p *Proxy) line(page, beginning string) string {
	p.tb.Helper()
	text, err := p.Page(page)
	if err != nil {
		p.tb.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), beginning); ok {
			return rest
		}
	}
	return ""
}

// Eventually waits until a stat has a value that satisfies ok. On a busy machine a JVM
// takes its time to begin.
func (p *Proxy) Eventually(name, want string, ok func(int) bool) {
	p.tb.Helper()
	n := 0
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if n = p.Stat(name); ok(n) {
			return
		}
	}
	p.tb.Errorf("%s is %d, want %s", name, n, want)
}

func submatch(tb testing.TB, text, pattern string) string {
	tb.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		tb.Fatalf("%q does not match %s", text, pattern)
	}
	return m[1]
}
