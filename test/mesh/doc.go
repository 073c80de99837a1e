// Package mesh runs a real Istio with real sidecars on one machine, and tests Meltemi in
// it: kube-apiserver and etcd, istiod with its CA and its injection webhook, our
// controller with the rights of its manifests, pilot-agent and a stock Envoy in each pod,
// istio-iptables, mutual TLS. What of a Kubernetes is played here: kubelet (pods, volumes,
// tokens, status), the endpoints controller, and kube-proxy. There is no DNS, so clients
// dial ClusterIPs.
//
// # The node
//
// [Main] runs the package's tests once more in new namespaces of the network, of mounts and
// of processes. So the test itself is on the node, and may dial whatever it wants there;
// a pod is one more network namespace, with a link to the node. Nothing has a link to the
// network outside, and everything ends with the process, even one that is killed.
//
// The first test that asks for it starts the control plane, which all tests share, and
// which takes some 15 seconds.
//
// # A scenario
//
// A scenario is a test in a file of its own. It makes a [Namespace], applies resources from
// files of examples/istio, which the documentation shows, starts pods, and makes calls:
//
//	func TestRouteByMethod(t *testing.T) {
//		t.Parallel()
//		n := New(t)
//		n.ApplyFile("examples/istio/thrift.yaml")
//		pods := n.Start(
//			Serve("thrift", "orders-v1", 9091), Serve("thrift", "orders-v2", 9091),
//			Spec{Name: "client"},
//		)
//		client := pods[2]
//		n.Bound("orders")
//		n.ApplyFile("examples/istio/route-by-method.yaml")
//		n.Eventually(func() string {
//			if c := client.Call("thrift", n.Address("orders", 9090), "Orders/get"); c.Server != "orders-v2" {
//				return c.Text
//			}
//			return ""
//		})
//	}
//
// Proxies learn of a change a second or so later, so its first effect is awaited with
// [Namespace.Eventually] or [Pod.Await], and what then holds is proven by many calls ([Pod.Calls], [Pod.Load]), by
// what servers saw ([Pod.Seen]), and by the counters of proxies ([Pod.Counter],
// [Pod.Counted]). [Pod.Command] and [Pod.Begin] run any program in a pod,
// [Pod.Within] any function, so that package peers can start its clients and servers there,
// and [Pod.Relay] lets those reach the mesh that only dial 127.0.0.1.
//
// # Isolation
//
// Each scenario has a namespace of its own, and most are parallel (t.Parallel). In it,
// resources apply to its own pods and hosts. Only these things are the whole mesh's:
//
//   - Port numbers: proxies have one outbound listener for a number. Bindings of several
//     namespaces share it if their codec and its settings are the same. A scenario with
//     other settings takes a port number that no other scenario has.
//   - Resources in istio-system, and flags of our controller. A scenario that needs such a
//     thing is not parallel, and undoes it.
//
// mTLS is PERMISSIVE, as Istio's default is, where the scenario's PeerAuthentication does
// not say STRICT. A pod takes about 110 MB and, with a proxy, some 4 seconds of CPU to
// start: a scenario uses as few as prove its point, and scenarios of one kind are subtests
// of one test with the same pods.
//
// # When something fails
//
// The last lines of each program of the test are shown. With MELTEMI_MESH_KEEP=DIR
// everything is written to a folder that stays: logs of all programs, and the roots of
// proxies.
package mesh
