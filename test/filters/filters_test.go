// Package filters runs the filters of Meltemi on stock Envoys, for each protocol alike.
package filters

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/machine"
	"github.com/meltemi-mesh/meltemi/test/peers"
)

// protocols are those for which a filter has to work, each with a service that its
// clients can call.
var protocols = []offer{
	{"dubbo", "shop.Orders"}, {"thrift", "Orders"}, {"brpc", "shop.Orders"},
}

// offer is a protocol, by its codec, with a service.
type offer struct{ codec, service string }

// versions are the supported Envoys: the oldest and the newest.
var versions = []string{"1.39.3", "1.40.0"}

// each runs a test for each protocol on each Envoy, with filters on the listener "rpc",
// in front of a server. Routes are the mesh file's, "" for all calls to the server.
func each(t *testing.T, filters, routes string, run func(t *testing.T, m *mesh)) {
	t.Helper()
	eachServer(t, nil, filters, routes, run)
}

// eachServer is each with a server that is started with those flags.
func eachServer(t *testing.T, flags []string, filters, routes string, run func(t *testing.T, m *mesh)) {
	t.Helper()
	eachWith(t, routes, func(t *testing.T, codec string) (string, string) { return filters, machine.Serve(t, codec, flags...) }, run)
}

// setUp makes what differs from run to run.
type setUp func(t *testing.T, codec string) (filters, server string)

// eachWith is each where the filters, or the server's address, differ from run to run.
func eachWith(t *testing.T, routes string, setUp setUp, run func(t *testing.T, m *mesh)) {
	t.Helper()
	for _, p := range protocols {
		onEach(t, p, routes, setUp, run)
	}
}

// onEach runs a test on each Envoy for one protocol.
func onEach(t *testing.T, p offer, routes string, setUp setUp, run func(t *testing.T, m *mesh)) {
	t.Helper()
	if routes == "" {
		routes = "[{match: {prefix: /}, route: {cluster: server}}]"
	}
	for _, version := range versions {
		t.Run(p.codec+"/"+version, func(t *testing.T) {
			filters, server := setUp(t, p.codec)
			m := &mesh{t: t, codec: p.codec, service: p.service, routes: routes, server: server}
			m.Proxy = peers.Start(t, version, m.file(filters))
			run(t, m)
		})
	}
}

// mesh is an Envoy with filters, and the protocol of its calls.
type mesh struct {
	*peers.Proxy
	t                              *testing.T
	codec, service, routes, server string
}

// file is the mesh file with these filters.
func (m *mesh) file(filters string) string {
	return fmt.Sprintf(`
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: %[1]s
  filters: %[2]s
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: %[3]s}]}
clusters:
- {name: server, codec: %[1]s, endpoints: ["%[4]s"]}
`, m.codec, filters, m.routes, m.server)
}

// call calls a method and returns what the command line says; failed tells that the call
// failed.
func (m *mesh) call(method string, args ...string) (out string, failed bool) {
	m.t.Helper()
	line := append([]string{"call", m.codec, "127.0.0.1:" + m.Port, m.service + "." + method}, args...)
	b, err := exec.Command(meltemi(m.t), line...).CombinedOutput()
	return string(b), err != nil
}

func meltemi(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/meltemi")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
