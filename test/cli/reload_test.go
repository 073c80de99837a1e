package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mesh leads all calls to one cluster. What follows is added to the listener.
func mesh(cluster, address, more string) string {
	return fmt.Sprintf(`listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: dubbo
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: %[1]s}}]}]}
  %[3]s
clusters:
- {name: %[1]s, codec: dubbo, endpoints: ["%[2]s"]}
`, cluster, address, more)
}

// TestReloadLosesNoCall changes all that a reload can change, while calls go on.
func TestReloadLosesNoCall(t *testing.T) {
	for _, version := range envoys {
		t.Run(version, func(t *testing.T) {
			v1, v2 := serve(t, "dubbo", "--name", "v1", "--delay", "10ms"), serve(t, "dubbo", "--name", "v2", "--delay", "10ms")
			p := startProxy(t, version, mesh("one", v1, ""))
			calls := start(t, "call", "dubbo", p.address("rpc"), "demo.Greeter.hello", "-n", "1600", "-c", "4", "-o", "json")

			for _, step := range []struct{ mesh, want string }{
				{mesh("two", v2, ""), "reloaded routes of rpc changed; cluster one removed; cluster two added"},
				{mesh("two", v1, ""), "reloaded cluster two changed"},
				{mesh("two", v1, "stat_prefix: other"), "reloaded listener rpc changed"},
				{mesh("one", v2, ""), "reloaded listener rpc changed; routes of rpc changed; cluster one added; cluster two removed"},
			} {
				p.change(step.mesh, step.want)
				time.Sleep(200 * time.Millisecond) // for some calls
			}
			if calls.over() {
				t.Error("the calls ended before the last change: they prove nothing")
			}
			if code := calls.end(); code != 0 {
				t.Errorf("the calls end with code %d", code)
			}
			var sum struct {
				Calls, OK int
				Servers   map[string]int
			}
			if err := json.Unmarshal([]byte(calls.output()[0]), &sum); err != nil {
				t.Fatal(err)
			}
			if sum.OK != 1600 || sum.Servers["v1"]+sum.Servers["v2"] != 1600 || sum.Servers["v1"] < 50 || sum.Servers["v2"] < 50 {
				t.Errorf("%+v", sum)
			}
		})
	}
}

// TestAChangeThatCannotBe shows that what runs goes on.
func TestAChangeThatCannotBe(t *testing.T) {
	v1 := serve(t, "dubbo", "--name", "v1")
	good := mesh("one", v1, "")
	p := startProxy(t, envoys[0], good)
	address := p.address("rpc")
	works := func() {
		t.Helper()
		if r := run(t, "call", "dubbo", address, "demo.Greeter.hello"); r.code != 0 || !strings.Contains(r.stdout, `"server": "v1"`) {
			t.Errorf("%+v", r)
		}
	}
	for _, test := range []struct{ mesh, want string }{
		{mesh("one", v1, "timeuot: 1s"), `  listeners[0]: unknown field "timeuot" (line 6)`},
		{strings.ReplaceAll(good, "cluster: one", "cluster: none"), `  listeners[0].route_config.virtual_hosts[0].routes[0].route.cluster: no cluster is named "none" (did you mean "one"?) (line 5)`},
		{"listeners: [", "  not YAML: "},
		{"", "  the file is empty"},
		{strings.ReplaceAll(good, "address: 127.0.0.1:0", "address: "+v1), "  listener rpc: another process uses " + v1},
	} {
		p.change(test.mesh, test.want)
		works()
	}
	if err := os.Remove(p.file); err != nil {
		t.Fatal(err)
	}
	p.await(0, "  open "+p.file+": no such file or directory")
	works()
	p.change(good, "reloaded nothing changed")
	works()

	p.change(good+"node: {id: other}\n", "restart needed only a restart applies: node ")
	works()
	before := len(p.output())
	p.signal(syscall.SIGHUP)
	p.await(before, "reloaded nothing changed")
}

// TestLogsAreOpenedAnew rotates Envoy's access log as logrotate does.
func TestLogsAreOpenedAnew(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	p := startProxy(t, envoys[0], mesh("one", serve(t, "dubbo"), `access_log:
  - name: file
    typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: "`+log+`"}`))
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGUSR1)
	time.Sleep(500 * time.Millisecond) // Envoy tells nobody that it has heard it
	if r := run(t, "call", "dubbo", p.address("rpc"), "demo.Greeter.hello"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	p.signal(syscall.SIGTERM) // so that it writes what it has
	p.end()
	if text, err := os.ReadFile(log); !strings.Contains(string(text), "POST /demo.Greeter/hello") {
		t.Errorf("the call is not in the new log: %s, %v", text, err)
	}
}
