package newcomer

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestFilter goes from `meltemi new filter` to calls through Envoy that the filter judges.
func TestFilter(t *testing.T) {
	n := &newcomer{t: t, dir: filepath.Join(t.TempDir(), "gate-keeper"), meltemi: filepath.Join(root(t), "bin", "meltemi")}
	n.run(filepath.Dir(n.dir), n.meltemi, "new", "filter", "gate-keeper")
	n.run(n.dir, "make", "test")
	if built := n.run(n.dir, "make", "library"); !strings.Contains(built, "; filters gate-keeper, stats;") {
		t.Errorf("the build says %s", built)
	}
	if list := n.run(n.dir, n.meltemi, "filters", "--lib", "bin/libmeltemi.so"); !strings.Contains(strings.Join(strings.Fields(list), " "), "gate-keeper lets only some tenants call configure it") {
		t.Errorf("the library carries\n%s", list)
	}

	// What is wrong with the mesh file is told without Envoy, as far as this program
	// knows the filter, and by Envoy for the rest.
	n.replace("- name: gate-keeper", "- name: gate-keper", "mesh.yaml")
	out, err := n.command(n.dir, n.meltemi, "validate", "mesh.yaml", "--library", "bin/libmeltemi.so", "--no-envoy").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `listeners[0].filters[0]: unknown filter "gate-keper"; this library knows stats, gate-keeper`) {
		t.Errorf("a wrong name: %v\n%s", err, out)
	}
	n.replace("- name: gate-keper", "- name: gate-keeper", "mesh.yaml")
	binary := filepath.Join(root(t), ".cache", "envoy", "1.40.0", "envoy")
	n.replace("config: {tenants:", "config: {tenant:", "mesh.yaml")
	out, err = n.command(n.dir, n.meltemi, "validate", "mesh.yaml", "--library", "bin/libmeltemi.so", "--envoy", binary).CombinedOutput()
	if err == nil || !strings.Contains(string(out), `filter gate-keeper: configuration: json: unknown field "tenant"`) {
		t.Errorf("a wrong field: %v\n%s", err, out)
	}
	n.replace("config: {tenant:", "config: {tenants:", "mesh.yaml")

	server := n.start(n.meltemi, "serve", "dubbo", "127.0.0.1:0")
	n.replace("127.0.0.1:7000", "127.0.0.1:0", "mesh.yaml")
	n.replace("127.0.0.1:7001", server, "mesh.yaml")
	ready := n.start(n.meltemi, "run", "mesh.yaml", "--library", "bin/libmeltemi.so", "--envoy", binary, "--log-level", "error")
	address, _, _ := strings.Cut(strings.TrimPrefix(ready, "orders="), " ")
	n.run(n.dir, n.meltemi, "call", "dubbo", address, "shop.Orders.get", "--set", "tenant=blue")
	n.run(n.dir, n.meltemi, "call", "dubbo", address, "shop.Public.get", "--set", "tenant=red")
	out, err = n.command(n.dir, n.meltemi, "call", "dubbo", address, "shop.Orders.get", "--set", "tenant=red").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "tenant red must not call get") {
		t.Errorf("red: %v\n%s", err, out)
	}
}
