package mesh

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
	"golang.org/x/net/http2"
)

// authorization is the example's Thrift service with one server, a client that runs as
// shop, one that runs as web, and one without a proxy.
type authorization struct {
	*Namespace

	server, shop, web, plain *Pod
	address                  string
}

// Policies decide by method, metadata and principal, whatever form a call comes in.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	n := New(t)
	n.ApplyFile("examples/istio/thrift.yaml")
	pods := n.Start(
		Serve("thrift", "orders-v1", 9091),
		Spec{Name: "shop", Account: "shop"}, Spec{Name: "web", Account: "web"}, Spec{Name: "plain", NoProxy: true},
	)
	a := &authorization{n, pods[0], pods[1], pods[2], pods[3], n.Address("orders", 9090)}
	n.Bound("orders")
	a.shop.Await("thrift", a.address, "Orders/get")
	a.web.Await("thrift", a.address, "Orders/get")
	n.Run("method", a.method)
	n.Run("metadata", a.metadata)
	n.Run("principal", a.principal)
	n.Run("strict", a.strict)
	n.Run("permissive", a.permissive)
}

// allowed waits until calls are allowed, and then makes some that the server has to see.
func (a *authorization) allowed(from *Pod, method string, flags ...string) {
	a.t.Helper()
	a.Eventually(func() string { // the first may go on a connection that knows an older policy
		if c := from.Calls(5, "thrift", a.address, method, flags...); c.OK != 5 {
			return fmt.Sprintf("%s from %s %q: %+v, want it to be allowed", method, from.Name, flags, c)
		}
		return ""
	})
	before := a.server.Seen(method)
	if c := from.Calls(5, "thrift", a.address, method, flags...); c.OK != 5 {
		a.t.Errorf("%s from %s %q: %+v, want it to be allowed", method, from.Name, flags, c)
	}
	if seen := a.server.Seen(method) - before; seen != 5 {
		a.t.Errorf("%s from %s %q: the server saw %d of 5 calls", method, from.Name, flags, seen)
	}
}

// denied waits until calls are denied, and then makes some that the server must not see.
func (a *authorization) denied(from *Pod, method string, flags ...string) {
	a.t.Helper()
	a.Eventually(func() string {
		c := from.Calls(5, "thrift", a.address, method, flags...)
		for what, n := range c.Errors {
			if n == 5 && strings.Contains(what, "RBAC: access denied") {
				return ""
			}
		}
		return fmt.Sprintf("%s from %s %q: %+v, want it to be denied", method, from.Name, flags, c)
	})
	before := a.server.Seen(method)
	counted := a.server.Counted(func() {
		if c := from.Calls(5, "thrift", a.address, method, flags...); c.OK != 0 {
			a.t.Errorf("%s from %s %q: %+v, want all to be denied", method, from.Name, flags, c)
		}
	}, `http\.inbound_0\.0\.0\.0_9091.*rbac\.denied`)
	if seen := a.server.Seen(method) - before; seen != 0 || counted[0] != 5 {
		a.t.Errorf("%s from %s %q: the server saw %d calls and its proxy denied %d, want 0 and 5", method, from.Name, flags, seen, counted[0])
	}
}

func (a *authorization) method(t *testing.T) {
	a.ApplyFile("examples/istio/strict.yaml")
	a.ApplyFile("examples/istio/authorize-method.yaml")
	a.denied(a.shop, "Orders/cancel")
	a.denied(a.shop, "Billing/pay")
	a.allowed(a.shop, "Orders/get")

	// A call that is forged as HTTP/2 gets what its headers ask for.
	forged := a.shop.http2(t)
	before := a.server.Seen("Orders/cancel")
	if status := post(t, forged, a.address, "/Orders/cancel", message(t, "get")); status != "7" {
		t.Errorf("a call whose headers show the forbidden method has grpc-status %q, want 7", status)
	}
	gets := a.server.Seen("Orders/get")
	if status := post(t, forged, a.address, "/Orders/get", message(t, "cancel")); status != "0" {
		t.Errorf("a call whose headers show an allowed method has grpc-status %q, want 0", status)
	}
	if seen := a.server.Seen("Orders/get") - gets; seen != 1 {
		t.Errorf("the server saw %d calls of the allowed method, want the one whose message said another", seen)
	}
	if seen := a.server.Seen("Orders/cancel") - before; seen != 0 {
		t.Errorf("the server saw %d calls of the forbidden method", seen)
	}
}

func (a *authorization) metadata(*testing.T) {
	a.ApplyFile("examples/istio/strict.yaml")
	a.ApplyFile("examples/istio/authorize-metadata.yaml")
	a.allowed(a.shop, "Orders/cancel", "--codec-config", theader, "--set", "role=admin")
	a.denied(a.shop, "Orders/cancel", "--codec-config", theader)
	a.denied(a.shop, "Orders/cancel", "--codec-config", theader, "--set", "role=guest")
	a.allowed(a.shop, "Orders/get")
}

func (a *authorization) principal(*testing.T) {
	a.ApplyFile("examples/istio/strict.yaml")
	a.ApplyFile("examples/istio/authorize-principal.yaml", "ns/default/", "ns/"+a.Name+"/")
	a.allowed(a.shop, "Orders/cancel") // which no policy before this one allows
	a.allowed(a.shop, "Orders/get")
	a.denied(a.web, "Orders/cancel")
	a.allowed(a.web, "Orders/get")
}

// A caller without a proxy does not get in.
func (a *authorization) strict(t *testing.T) {
	a.ApplyFile("examples/istio/strict.yaml")
	for _, address := range []string{a.address, net.JoinHostPort(a.server.IP, "9091")} {
		a.Eventually(func() string {
			if c := a.plain.Call("thrift", address, "Orders/get"); c.OK || c.Error == "" {
				return fmt.Sprintf("%s from a pod without a proxy: %+v, want its connection to be closed", address, c)
			}
			return ""
		})
		before := a.server.Seen("Orders/get")
		counted := a.server.Counted(func() {
			if c := a.plain.Calls(5, "thrift", address, "Orders/get"); c.OK != 0 {
				t.Errorf("%s from a pod without a proxy: %+v", address, c)
			}
		}, `listener\.0\.0\.0\.0_15006\.no_filter_chain_match`)
		if seen := a.server.Seen("Orders/get") - before; seen != 0 || counted[0] == 0 {
			t.Errorf("the server saw %d calls, and its proxy refused %d connections", seen, counted[0])
		}
	}
	a.allowed(a.shop, "Orders/get")
}

// A caller without a proxy gets in, and policies hold for what it calls: its calls are read
// beside the server. It has no principal.
func (a *authorization) permissive(*testing.T) {
	a.ApplyFile("examples/istio/permissive.yaml")
	a.plain.Await("thrift", a.address, "Orders/cancel")
	a.allowed(a.plain, "Orders/cancel")
	a.ApplyFile("examples/istio/authorize-method.yaml")
	a.denied(a.plain, "Orders/cancel")
	a.allowed(a.plain, "Orders/get")
	a.ApplyFile("examples/istio/authorize-principal.yaml", "ns/default/", "ns/"+a.Name+"/")
	a.allowed(a.shop, "Orders/cancel")
	a.denied(a.plain, "Orders/get")
}

// http2 is a client that speaks HTTP/2 without TLS from the pod.
func (p *Pod) http2(t *testing.T) *http.Client {
	t.Helper()
	transport := &http2.Transport{AllowHTTP: true, DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
		return p.Dial(ctx, network, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// post sends a Thrift message with headers that may tell something else, and returns the
// grpc-status of the answer.
func post(t *testing.T, client *http.Client, address, path string, message []byte) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+path, bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/grpc+thrift")
	request.Header.Set("Te", "trailers")
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.Header.Get("grpc-status")
}

// message is a call of a method of Orders, as Apache Thrift writes it.
func message(t *testing.T, method string) []byte {
	t.Helper()
	memory := thrift.NewTMemoryBuffer()
	protocol := thrift.NewTBinaryProtocolConf(thrift.NewTFramedTransportConf(memory, nil), nil)
	ctx := t.Context()
	for _, err := range []error{
		protocol.WriteMessageBegin(ctx, "Orders:"+method, thrift.CALL, 1), nothing{}.Write(ctx, protocol),
		protocol.WriteMessageEnd(ctx), protocol.Flush(ctx),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return memory.Bytes()
}
