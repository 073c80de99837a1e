package mesh

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Certificates are renewed under load, and no call is lost. Connections are short, so that
// the new certificates are used.
func TestCertificateRenewal(t *testing.T) {
	t.Parallel()
	n := New(t)
	n.ApplyFile("examples/istio/strict.yaml")
	n.ApplyFile("examples/istio/thrift.yaml", "  host: orders\n", "  host: orders\n  trafficPolicy: {connectionPool: {http: {maxRequestsPerConnection: 50}}}\n")
	// A certificate holds a minute, and is renewed after a tenth of that.
	often := map[string]string{"SECRET_TTL": "60s", "SECRET_GRACE_PERIOD_RATIO": "0.9"}
	server := Serve("thrift", "orders-v1", 9091, "--delay", "5ms")
	server.Environment = often
	pods := n.Start(server, Spec{Name: "client", Environment: often})
	address := n.Address("orders", 9090)
	n.Bound("orders")
	pods[1].Await("thrift", address, "Orders/get")

	const handshakes = `listener\.0\.0\.0\.0_15006\.ssl\.handshake`
	stop := pods[1].Load(100, "thrift", address, "Orders/get", "--concurrency", "4")
	for range 2 {
		old := []string{pods[0].serial(), pods[1].serial()}
		n.Eventually(func() string {
			for i, p := range pods {
				if p.serial() == old[i] {
					return fmt.Sprintf("%s still has the certificate %s", p.Name, old[i])
				}
			}
			return ""
		})
		before := pods[0].Counter(handshakes)
		n.Eventually(func() string {
			if pods[0].Counter(handshakes) < before+4 {
				return "no connection is made with the new certificates"
			}
			return ""
		})
	}
	if all := stop(); all.Failed > 0 || all.OK == 0 {
		t.Errorf("under load: %+v, want no failure", all)
	}
	if failed := pods[0].Counter(`listener\.0\.0\.0\.0_15006\.ssl\.(connection_error|fail_.*)`); failed > 0 {
		t.Errorf("the server's proxy counts %d failed handshakes", failed)
	}
}

// serial is the number of the certificate by which the pod's proxy is known.
func (p *Pod) serial() string {
	p.t().Helper()
	var all struct {
		Certificates []struct {
			Chain []struct {
				Serial string `json:"serial_number"`
				Names  []struct {
					URI string `json:"uri"`
				} `json:"subject_alt_names"`
			} `json:"cert_chain"`
		}
	}
	p.must(json.Unmarshal([]byte(p.Admin("certs")), &all))
	for _, c := range all.Certificates {
		for _, link := range c.Chain {
			for _, name := range link.Names {
				if strings.HasPrefix(name.URI, "spiffe://") && strings.Contains(name.URI, "/ns/"+p.Namespace.Name+"/") {
					return link.Serial
				}
			}
		}
	}
	p.t().Fatalf("%s has no certificate of its own: %s", p.Name, p.Admin("certs"))
	return ""
}
