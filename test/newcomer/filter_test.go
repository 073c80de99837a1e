package newcomer

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestFilter goes from `meltemi new filter` to calls through Envoy that the filter judges.
func TestFilter(t *testing.T) {
	n := begin(t, "gate-keeper", "1.40.0")
	n.run(filepath.Dir(n.dir), "meltemi", "new", "filter", "gate-keeper")
	n.run(n.dir, "make", "test")
	if built := n.run(n.dir, "make", "library"); !strings.Contains(built, ", gate-keeper, ") {
		t.Errorf("the build says %s", built)
	}
	if list := n.run(n.dir, "meltemi", "filters", "--lib", "bin/libmeltemi.so"); !strings.Contains(strings.Join(strings.Fields(list), " "), "gate-keeper lets only some tenants call configure it") {
		t.Errorf("the library carries\n%s", list)
	}

	// What is wrong with the mesh file is told without Envoy, as far as this program
	// knows the filter, and by Envoy for the rest.
	n.replace("- name: gate-keeper", "- name: gate-keper", "mesh.yaml")
	n.fails(`listeners[0].filters[0]: unknown filter "gate-keper"; this library knows `, "meltemi", "validate", "mesh.yaml", "--library", "bin/libmeltemi.so", "--no-envoy")
	n.replace("- name: gate-keper", "- name: gate-keeper", "mesh.yaml")
	n.replace("config: {tenants:", "config: {tenant:", "mesh.yaml")
	n.fails(`filter gate-keeper: configuration: json: unknown field "tenant"`, "meltemi", "validate", "mesh.yaml", "--library", "bin/libmeltemi.so")
	n.replace("config: {tenant:", "config: {tenants:", "mesh.yaml")

	server := n.start("meltemi", "serve", "dubbo", "127.0.0.1:0")
	n.replace("127.0.0.1:7000", "127.0.0.1:0", "mesh.yaml")
	n.replace("127.0.0.1:7001", server, "mesh.yaml")
	ready := n.start("make", "run")
	address, _, _ := strings.Cut(strings.TrimPrefix(ready, "orders="), " ")
	n.run(n.dir, "meltemi", "call", "dubbo", address, "shop.Orders.get", "--set", "tenant=blue")
	n.run(n.dir, "meltemi", "call", "dubbo", address, "shop.Public.get", "--set", "tenant=red")
	n.fails("tenant red must not call get", "meltemi", "call", "dubbo", address, "shop.Orders.get", "--set", "tenant=red")
}
