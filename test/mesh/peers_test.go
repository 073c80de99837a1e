package mesh

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// realPeers are real clients and servers of each protocol, with their codec and a port that
// no other scenario has: Thrift's do not say on the wire which calls are one-way.
var realPeers = []struct {
	peer interface {
		peers.Peer
		Build(tb testing.TB)
	}
	name, codec string
	port        int
}{
	{peers.Java{Version: "3.3.6"}, "dubbo", "{name: dubbo}", 20895},
	{peers.Program{Library: peers.ThriftGo, Settings: "framed-binary"}, "thrift", "{name: thrift, config: {oneway: [tell]}}", 9195},
	{peers.Program{Library: peers.BRPCJava, Settings: "once"}, "brpc", "{name: brpc}", 8195},
}

// peersService is their Service, with echo routed to version 2 and the rest to version 1.
const peersService = `
apiVersion: v1
kind: Service
metadata: {name: real}
spec:
  selector: {app: real}
  ports: [{name: http2, port: %[1]d}]
---
apiVersion: meltemi.dev/v1alpha1
kind: CodecBinding
metadata: {name: real}
spec:
  targetRefs: [{kind: Service, name: real, port: http2}]
  codec: %[2]s
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: real}
spec:
  host: real
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: real}
spec:
  hosts: [real]
  http:
  - match: [{uri: {regex: /.*/echo}}]
    route: [{destination: {host: real, subset: v2}}]
  - route: [{destination: {host: real, subset: v1}}]
`

// patient is how long real clients wait for an answer on a busy machine.
const patient = 20 * time.Second

// own is the port of 127.0.0.1 where a real server listens in its pod, and a real client
// dials in its own.
const own = "20999"

// Real clients and servers call each other through the mesh as they do directly, and
// their calls are routed by method.
func TestPeers(t *testing.T) {
	t.Parallel()
	n := New(t)
	n.ApplyFile("examples/istio/strict.yaml")
	spec := func(name, version string) Spec {
		return Spec{Name: name, Labels: map[string]string{"app": "real", "version": version}}
	}
	pods := n.Start(spec("orders-v1", "v1"), spec("orders-v2", "v2"), Spec{Name: "client"})
	for _, p := range realPeers {
		n.Run(p.name, func(t *testing.T) {
			n.Apply(fmt.Sprintf(peersService, p.port, p.codec))
			n.Bound("real")
			compareWithDirect(t, p.peer, pods, p.port, n.Address("real", p.port))
		})
	}
}

// compareWithDirect makes mixed calls directly to a server, and then through the mesh,
// where calls of echo go to the second.
func compareWithDirect(t *testing.T, peer peers.Peer, pods []*Pod, port int, address string) {
	t.Helper()
	const calls = "100"
	var direct, through []string
	for i, server := range pods[:2] {
		server.Within(func() {
			peer.StartServer(t, own)
			if i == 0 {
				direct = peers.Call(t, peer, own, calls, 1, patient)
			}
		})
		server.Relay(fmt.Sprintf("%s:%d", server.IP, port), "127.0.0.1:"+own)
	}
	before := executions(t, peer, pods[0])
	client := pods[2]
	client.Relay("127.0.0.1:"+own, address)
	client.Namespace.Eventually(func() string {
		client.Within(func() { through = peers.Call(t, peer, own, calls, 1, patient) })
		if !slices.Equal(direct, through) {
			return fmt.Sprintf("through the mesh\n%q\nwant what is answered directly\n%q", through, direct)
		}
		return ""
	})
	if v1, v2 := executions(t, peer, pods[0])-before, executions(t, peer, pods[1]); v1 != 0 || v2 == 0 {
		t.Errorf("v1 ran echo %d times and v2 %d, want none and all", v1, v2)
	}
}

// executions is how often a server ran echo.
func executions(t *testing.T, peer peers.Peer, server *Pod) int {
	t.Helper()
	var text string
	server.Within(func() { text = strings.Join(peers.Call(t, peer, own, "executions", 1, patient), "") })
	_, echo, ok := strings.Cut(text, "echo=")
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(echo[:strings.IndexAny(echo, ",}")])
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return n
}
