package mesh

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Services of HTTP/1, HTTP/2 and Thrift share a port number: each gets what is its own.
func TestSamePort(t *testing.T) {
	t.Parallel()
	n := New(t)
	n.ApplyFile("examples/istio/thrift.yaml")
	n.ApplyFile("examples/istio/strict.yaml")
	n.ApplyFile("examples/istio/same-port.yaml")
	pods := n.Start(Serve("thrift", "orders-v1", 9091), Spec{Name: "web"}, Spec{Name: "client"})
	web, client := pods[1], pods[2]
	web.serveHTTP(t, "8080")
	web.serveHTTP(t, "8081")
	n.Bound("orders")

	one := &http.Client{Transport: &http.Transport{DialContext: client.Dial}, Timeout: 20 * time.Second}
	two := client.http2(t)
	for range 3 { // on new connections and on old ones
		client.Await("thrift", n.Address("orders", 9090), "Orders/get")
		says(n, one, "http://"+n.Address("web", 9090), "HTTP/1.1 at 8080")
		says(n, two, "http://"+n.Address("api", 9090), "HTTP/2.0 at 8081")
	}
	counted := client.Counted(func() {
		for range 5 {
			if c := client.Calls(5, "thrift", n.Address("orders", 9090), "Orders/get"); c.OK != 5 {
				t.Errorf("Thrift: %+v", c)
			}
			says(n, one, "http://"+n.Address("web", 9090), "HTTP/1.1 at 8080")
			says(n, two, "http://"+n.Address("api", 9090), "HTTP/2.0 at 8081")
			one.CloseIdleConnections()
			two.CloseIdleConnections()
		}
	}, passed, `cluster\.outbound\|9090\|\|(orders|web|api)\.`+n.Name+`\.svc\.cluster\.local;?\.upstream_rq_2xx`)
	if counted[0] != 0 || counted[1] != 35 {
		t.Errorf("the client's proxy passed %d connections on unread and read %d requests, want 0 and 35", counted[0], counted[1])
	}
}

// serveHTTP serves HTTP/1 and HTTP/2 without TLS in the pod, until the test's end. Answers
// tell the version of the request and the port.
func (p *Pod) serveHTTP(t *testing.T, port string) {
	t.Helper()
	var listener net.Listener
	var err error
	p.Within(func() {
		listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(p.IP, port))
	})
	p.must(err)
	server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s at %s", r.Proto, port)
	})}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(func() { server.Close() })
	go server.Serve(listener)
}

// says waits until a page has a text.
func says(n *Namespace, client *http.Client, url, want string) {
	n.t.Helper()
	n.Eventually(func() string {
		request, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			return err.Error()
		}
		answer, err := client.Do(request)
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		if text, err := io.ReadAll(answer.Body); err != nil || string(text) != want {
			return fmt.Sprintf("%s: %s %q %v, want %q", url, answer.Status, text, err, want)
		}
		return ""
	})
}
