package mesh

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"testing"
)

// entrance is a gateway, as Istio's chart installs one: its Service has a port of its own
// for each that it listens at, and its service account may read the certificates.
const entrance = `
apiVersion: v1
kind: Service
metadata: {name: gateway}
spec:
  selector: {istio: ingressgateway}
  ports:
  - {name: plain, port: 9090, targetPort: 19090}
  - {name: tls, port: 9443, targetPort: 9443}
  - {name: any, port: 9000, targetPort: 9000}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: gateway}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get, watch, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gateway}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: gateway}
subjects:
- {kind: ServiceAccount, name: gateway}
`

// A client outside the mesh calls servers in it through a gateway: in plain text, in TLS,
// and on a port with two protocols.
func TestGateway(t *testing.T) {
	t.Parallel()
	n := New(t)
	n.Apply(entrance)
	n.ApplyFile("examples/istio/thrift.yaml")
	n.ApplyFile("examples/istio/strict.yaml")
	n.ApplyFile("examples/istio/direct.yaml")
	n.ApplyFile("examples/istio/gateway.yaml")
	n.ApplyFile("examples/istio/gateway-tls.yaml")
	n.ApplyFile("examples/istio/gateway-auto.yaml")
	secret, roots := selfSigned(t, certified)
	n.Apply(secret)
	greeter := Serve("dubbo", "greeter", 20881)
	greeter.NoProxy = true
	pods := n.Start(
		Serve("thrift", "orders-v1", 9091), Serve("thrift", "orders-v2", 9091), greeter,
		Spec{Name: "gateway", Gateway: true, Account: "gateway", Labels: map[string]string{"istio": "ingressgateway"}},
		Spec{Name: "outside", NoProxy: true},
	)
	g := &gatewayTest{n, roots, pods[0], pods[1], pods[3], pods[4]}
	n.Bound("rpc")
	n.Bound("rpc-any")
	g.outside.Await("thrift", n.Address("gateway", 9090), "Orders/get")
	n.Run("plain", g.plain)
	n.Run("TLS", g.tls)
	n.Run("auto", g.auto)
	n.Run("live", g.live)
}

// certified is the host that the gateway's certificate is for.
const certified = "rpc.example.com"

// gatewayTest is what TestGateway has.
type gatewayTest struct {
	*Namespace

	roots                    *x509.CertPool // which the gateway's certificate is trusted by
	v1, v2, gateway, outside *Pod
}

// plain calls in plain text: routes are obeyed, and servers get mutual TLS.
func (g *gatewayTest) plain(t *testing.T) {
	grown := g.gateway.Counted(func() {
		for method, server := range map[string]*Pod{"Orders/get": g.v1, "Orders/cancel": g.v2} {
			seen := server.Seen(method)
			if c := g.outside.Calls(20, "thrift", g.Address("gateway", 9090), method); c.Servers[server.Name] != 20 {
				t.Errorf("%s: %+v, want all by %s", method, c, server.Name)
			}
			if seen = server.Seen(method) - seen; seen != 20 {
				t.Errorf("%s saw %d calls of %s, want 20", server.Name, seen, method)
			}
		}
	}, `cluster\.outbound\|9090\|v[12]\|orders\.[^;]*;?\.upstream_rq_2xx`)
	if grown[0] != 40 {
		t.Errorf("the gateway counts %d calls, want 40", grown[0])
	}
	// Each server got one connection, with HTTP/2 in mutual TLS.
	for _, counter := range []string{"upstream_cx_http2_total", `ssl\.handshake`} {
		if c := g.gateway.Counter(`cluster\.outbound\|9090\|v[12]\|orders\.[^;]*;?\.` + counter); c != 2 {
			t.Errorf("the gateway's %s is %d, want 2", counter, c)
		}
	}
}

// live changes the route while a client's connection is open.
func (g *gatewayTest) live(t *testing.T) {
	address := g.Address("gateway", 9090)
	client := g.outside.DialThrift(address)
	calls := func(server *Pod) {
		g.Eventually(func() string {
			if name, err := client.Call("get"); err != nil || name != server.Name {
				return fmt.Sprintf("%q, %v: want %s", name, err, server.Name)
			}
			return ""
		})
		for range 20 {
			if name, err := client.Call("get"); err != nil || name != server.Name {
				t.Errorf("%q, %v: want %s", name, err, server.Name)
			}
		}
	}
	calls(g.v1) // the gateway counts the connection once it has accepted it
	connections := g.gateway.Counted(func() {
		g.ApplyFile("examples/istio/gateway.yaml", "subset: v1", "subset: v2")
		calls(g.v2)
		g.ApplyFile("examples/istio/gateway.yaml")
		calls(g.v1)
	}, `http\.outbound_0\.0\.0\.0_19090;?\.downstream_cx_total`)
	if connections[0] != 0 {
		t.Errorf("the gateway counts %d new connections, want none beside the open one", connections[0])
	}
}

// tls calls inside TLS.
func (g *gatewayTest) tls(t *testing.T) {
	address := g.Address("gateway", 9443)
	call := func(config *tls.Config) error {
		conn, err := g.outside.Dial(t.Context(), "tcp", address)
		if err != nil {
			return err
		}
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(t.Context()); err != nil {
			_ = conn.Close()
			return err
		}
		client := g.outside.Thrift(secured)
		for method, server := range map[string]*Pod{"get": g.v1, "cancel": g.v2} {
			if name, err := client.Call(method); err != nil || name != server.Name {
				return fmt.Errorf("%s: %q, %w: want %s", method, name, err, server.Name)
			}
		}
		return nil
	}
	g.Eventually(func() string {
		if err := call(&tls.Config{ServerName: certified, RootCAs: g.roots}); err != nil {
			return err.Error()
		}
		return ""
	})
	for _, protocols := range [][]string{nil, {"h2"}, {"http/1.1"}} {
		if err := call(&tls.Config{ServerName: certified, RootCAs: g.roots, NextProtos: protocols}); err != nil {
			t.Errorf("ALPN %v: %v", protocols, err)
		}
	}
	if err := call(&tls.Config{ServerName: "other.example.com", RootCAs: g.roots}); err == nil || !strings.Contains(err.Error(), "other.example.com") {
		t.Errorf("with another name: %v, want that the certificate is not for it", err)
	}
	// Neither port takes what belongs to the other.
	if c := g.outside.Call("thrift", address, "Orders/get", "--timeout", "2s"); c.OK {
		t.Errorf("in plain text on the port with TLS: %+v", c)
	}
	if c := g.outside.Call("thrift", g.Address("gateway", 9090), "Orders/get"); c.Server != g.v1.Name {
		t.Errorf("in plain text on the plain port: %+v, want %s", c, g.v1.Name)
	}
	if handshakes := g.gateway.Counter(`listener\.0\.0\.0\.0_9443\.ssl\.handshake`); handshakes < 4 {
		t.Errorf("the gateway counts %d handshakes on port 9443, want 4 or more", handshakes)
	}
}

// auto calls with two protocols on one port. One's servers have no proxies.
func (g *gatewayTest) auto(t *testing.T) {
	address := g.Address("gateway", 9000)
	g.outside.Await("dubbo", address, "com.shop.Greeter/hello")
	g.outside.Await("thrift", address, "Orders/get")
	grown := g.gateway.Counted(func() {
		if c := g.outside.Calls(20, "dubbo", address, "com.shop.Greeter/hello"); c.Servers["greeter"] != 20 {
			t.Errorf("Dubbo: %+v, want all by greeter", c)
		}
		if c := g.outside.Calls(20, "thrift", address, "Orders/get"); c.Servers["orders-v1"]+c.Servers["orders-v2"] != 20 {
			t.Errorf("Thrift: %+v, want all by orders", c)
		}
	}, `http\.outbound_0\.0\.0\.0_9000;?\.downstream_rq_2xx`, `cluster\.outbound\|20880\|\|greeter\.[^;]*;?\.upstream_rq_2xx`,
		`cluster\.outbound\|20880\|\|greeter\.[^;]*;?\.upstream_cx_http2_total`, `cluster\.outbound\|9090\|\|orders\.[^;]*;?\.upstream_rq_2xx`)
	if want := [...]int{40, 20, 0, 20}; [4]int(grown) != want {
		t.Errorf("the gateway counts %v, want %v", grown, want)
	}
	if c := g.outside.Call("dubbo", address, "com.shop.Nobody/hello"); c.OK || c.Error != "" || c.Status.Native == 0 {
		t.Errorf("a service without a route: %+v, want an error of Dubbo's", c)
	}
	if host, _, err := net.SplitHostPort(address); err != nil || host == g.gateway.IP {
		t.Errorf("the client dialed %s, %v: want the gateway's Service", address, err)
	}
}
