package envoytest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
)

// authority signs certificates, valid for an hour.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t), certificate: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.certificate.Raw = der
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign returns a certificate of somebody.
func (a *authority) sign(subject pkix.Name, dns []string, uris ...string) tls.Certificate {
	a.t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: subject, DNSNames: dns, NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			a.t.Fatal(err)
		}
		c.URIs = append(c.URIs, u)
	}
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, c, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// inline is Envoy's form of a file's text.
func inline(kind string, der []byte) object {
	return object{"inline_string": string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))}
}

// downstreamTLS is the transport socket of a listener that asks clients for certificates,
// and takes those that have none.
func (a *authority) downstreamTLS(own tls.Certificate) object {
	a.t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		a.t.Fatal(err)
	}
	return object{"name": "envoy.transport_sockets.tls", "typed_config": typed(
		"envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", object{"common_tls_context": object{
			"tls_certificates": []any{object{
				"certificate_chain": inline("CERTIFICATE", own.Certificate[0]), "private_key": inline("PRIVATE KEY", key),
			}},
			"validation_context": object{"trusted_ca": inline("CERTIFICATE", a.certificate.Raw)},
		}})}
}

// TestFilterSeesWhoCalls has clients with certificates of several kinds, and one without.
func TestFilterSeesWhoCalls(t *testing.T) {
	const spiffe = "spiffe://mesh.test/ns/shop/sa/web"
	a := newAuthority(t)
	somebody := pkix.Name{CommonName: "web", Organization: []string{"Shop"}}
	clients := []struct {
		name         string
		certificates []tls.Certificate
		want         string
	}{
		{"with all names", []tls.Certificate{a.sign(somebody, []string{"web.test"}, spiffe, "https://other.test/")}, spiffe},
		{"without a URI", []tls.Certificate{a.sign(somebody, []string{"web.test", "other.test"})}, "web.test"},
		{"with a subject only", []tls.Certificate{a.sign(somebody, nil)}, "CN=web,O=Shop"},
		{"without a certificate", nil, ""},
	}
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		listener := Listener("rpc", toy, []any{Route("/", "server", nil)}, map[string]any{"http_filters": Filters(Filter(probe.Name, HostConfig("")))})
		listener["filter_chains"].([]any)[0].(object)["transport_socket"] = a.downstreamTLS(a.sign(pkix.Name{CommonName: "proxy"}, []string{"proxy.test"}))
		envoy := Start(t, version, Library(t), Bootstrap([]any{listener}, []any{Bridge("server", toy, server.Port)}))
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
		for _, c := range clients {
			t.Run(c.name, func(t *testing.T) {
				conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", envoy.Port("rpc")),
					&tls.Config{RootCAs: roots, ServerName: "proxy.test", Certificates: c.certificates})
				if err != nil {
					t.Fatal(err)
				}
				client := clientOf(t, conn)
				got := client.Call(Told(1, "facts", "")).Entry("facts")
				if _, principal, _ := strings.Cut(got, " principal="); principal != c.want {
					t.Errorf("the principal is %q, want %q: %s", principal, c.want, got)
				}
			})
		}
	})
}

// collector is an OpenTelemetry collector that keeps what it is sent.
type collector struct {
	port int

	mu   sync.Mutex
	sent []byte
}

func collect(t *testing.T) *collector {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{port: l.Addr().(*net.TCPAddr).Port}
	s := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sent = append(c.sent, body...)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return c
}

// has waits until a span with that attribute has come. An attribute is a message KeyValue
// with a key (field 1) and a message AnyValue (field 2), whose field 1 is a text.
// Source: opentelemetry-proto, opentelemetry/proto/common/v1/common.proto.
func (c *collector) has(key, value string) bool {
	text := append([]byte{1<<3 | 2, byte(len(value))}, value...)
	attribute := append([]byte{1<<3 | 2, byte(len(key))}, key...)
	attribute = append(append(attribute, 2<<3|2, byte(len(text))), text...)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		c.mu.Lock()
		found := bytes.Contains(c.sent, attribute)
		c.mu.Unlock()
		if found {
			return true
		}
	}
	return false
}

// TestFilterTagsSpans has a filter that puts tags on the span of a call, in both hooks: on
// the listener, and on the way to the server, where the span is that of the try.
func TestFilterTagsSpans(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server, traces := Serve(t, Echo), collect(t)
		more := map[string]any{"generate_request_id": true, "tracing": object{
			"spawn_upstream_span": true,
			"provider": object{"name": "envoy.tracers.opentelemetry", "typed_config": typed("envoy.config.trace.v3.OpenTelemetryConfig", object{
				"service_name": "test",
				"http_service": object{"http_uri": object{"uri": "http://127.0.0.1/v1/traces", "cluster": "traces", "timeout": "5s"}},
			})},
		}}
		routes := []any{Route("/", "server", nil)}
		first := maps.Clone(more)
		first["http_filters"] = Filters(Filter(probe.Name, HostConfig("")))
		toFiltered := []any{Route("/", "filtered", nil)}
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("first", toy, routes, first), Listener("last", toy, toFiltered, more)},
			[]any{
				Bridge("server", toy, server.Port), UpstreamFilters(Bridge("filtered", toy, server.Port), Filter(probe.Name, HostConfig(""))),
				Cluster("traces", traces.port),
			}))
		for _, place := range []string{"first", "last"} {
			client := Dial(t, envoy.Port(place))
			if got := client.Call(Told(1, "tag:"+place+"-on-request=blue", "tag:"+place+"-on-response=green")); got.Payload == "" {
				t.Fatalf("%+v", got)
			}
			for key, value := range map[string]string{place + "-on-request": "blue", place + "-on-response": "green"} {
				if !traces.has(key, value) {
					t.Errorf("no span has %s=%s", key, value)
				}
			}
		}
	})
}
