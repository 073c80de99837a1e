package filters

import (
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/machine"
	"github.com/meltemi-mesh/meltemi/test/peers"
)

// customers is how calls of a protocol name a customer: the field of a field of the first
// argument.
type customers struct {
	path     string
	argument string   // %s is the customer
	without  string   // an argument that has none
	broken   string   // an argument in which the path leads nowhere
	options  []string // with which calls carry metadata

	// A payload that names two customers. It is refused, or the last one counts, where
	// that is a rule of the protocol.
	two       func(first, last string) string
	lastRules bool

	// A message of another implementation, what it calls, and a value in it.
	golden, called, goldenPath, goldenValue string
}

var customersOf = map[string]customers{
	"dubbo": {
		path: "0.customer.id", argument: `shop.Order:{"customer":{"id":"%s"}}`, without: `shop.Order:{"customer":null}`, broken: `"text"`,
		two: func(first, last string) string { // a map with a key that comes twice
			return text("Ljava/util/Map;") + "H" + text("customer") + "H" + text("id") + text(first) + text("id") + text(last) + "ZZ"
		},
		golden: "request-order-hessian2", called: "/shop.Orders/place", goldenPath: "1.others.1.id", goldenValue: "c-7",
	},
	"thrift": {
		path: "1.2.1", argument: `struct<struct<string>@2>:{"2":{"1":"%s"}}`, without: `struct<i32@7>:{"7":1}`, broken: `"text"`,
		options: []string{"--codec-config", `{"transport":"theader"}`},
		two: func(first, last string) string { // a field that comes twice
			return "\x0c\x00\x01\x0c\x00\x02\x0b\x00\x01\x00\x00\x00" + text(first) + "\x0b\x00\x01\x00\x00\x00" + text(last) + "\x00\x00\x00"
		},
		golden: "header-compact-call-rich", called: "/thrift/store", goldenPath: "40.b.1.300", goldenValue: "far",
	},
	"brpc": {
		path: "2.1", argument: `message<message<string>@2>:{"2":{"1":"%s"}}`, without: `message<int64@7>:{"7":1}`, broken: `message<int64@2>:{"2":5}`,
		two: func(first, last string) string { // two messages, which readers merge
			return "\x12" + text("\x0a"+text(first)) + "\x12" + text("\x0a"+text(last))
		},
		lastRules: true,
		golden:    "captured-person-request", called: "/dev.meltemi.peer.Peer/person", goldenPath: "5.1", goldenValue: "max",
	},
}

// text is a text with its length before it, as all three protocols write short ones.
func text(s string) string { return string(rune(len(s))) + s }

// customersMesh is a mesh in which what a call does goes by its customer: "evil" is denied,
// "gold" has a server alone, and the others share three, each always the same one.
const customersMesh = `
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: %[1]s
  filters:
  - name: arguments
    config:
      entries:
      - {name: customer, methods: ["*/get"], path: "%[2]s"}
      - {name: customer, methods: ["*/strict"], path: "%[2]s", missing: refuse}
      - {name: golden, methods: ["*/place", "*/store", "*/person"], path: "%[3]s", missing: refuse}
  - name: envoy.filters.http.rbac
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
      rules:
        action: DENY
        policies:
          evil: {permissions: [{header: {name: x-rpc-local-customer, string_match: {exact: evil}}}], principals: [{any: true}]}
  route_config:
    virtual_hosts:
    - name: all
      domains: ["*"]
      routes:
      - {match: {prefix: /, headers: [{name: x-rpc-local-customer, string_match: {exact: gold}}]}, route: {cluster: gold}}
      - {match: {prefix: /, headers: [{name: x-rpc-local-golden, string_match: {exact: %[4]s}}]}, route: {cluster: gold}}
      - {match: {prefix: /}, route: {cluster: ring, hash_policy: [{header: {header_name: x-rpc-local-customer}}]}}
clusters:
- {name: gold, codec: %[1]s, endpoints: ["%[5]s"]}
- {name: ring, codec: %[1]s, lb_policy: RING_HASH, endpoints: ["%[6]s", "%[7]s", "%[8]s"]}
`

// shop is such a mesh.
type shop struct {
	*mesh
	customers
	gold string   // a server
	ring []string // servers
}

func eachShop(t *testing.T, run func(t *testing.T, s *shop)) {
	t.Helper()
	for _, p := range protocols {
		for _, version := range versions {
			t.Run(p.codec+"/"+version, func(t *testing.T) {
				s := &shop{customers: customersOf[p.codec], gold: machine.Serve(t, p.codec)}
				for range 3 {
					s.ring = append(s.ring, machine.Serve(t, p.codec))
				}
				s.mesh = &mesh{t: t, codec: p.codec, service: p.service, Proxy: peers.Start(t, version, fmt.Sprintf(customersMesh,
					p.codec, s.path, s.goldenPath, s.goldenValue, s.gold, s.ring[0], s.ring[1], s.ring[2]))}
				run(t, s)
			})
		}
	}
}

// get calls a method with an argument, and returns the server that answered, "" if none
// did, and what the command line said.
func (s *shop) get(method, argument string, options ...string) (server, out string) {
	s.t.Helper()
	out, failed := s.call(method, append([]string{"--arg", argument, "-o", "json"}, options...)...)
	if failed {
		return "", out
	}
	found := serverName.FindStringSubmatch(out)
	if found == nil {
		s.t.Fatalf("no server in %s", out)
	}
	return found[1], out
}

// serverName finds the name of a server in its answer, which may be text within text.
var serverName = regexp.MustCompile(`\\?"server\\?":\\?"([0-9.:]+)`)

func (s *shop) customer(id string) string { return fmt.Sprintf(s.argument, id) }

// TestArguments routes, hashes and denies calls by one of their arguments.
func TestArguments(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		for range 2 {
			if server, out := s.get("get", s.customer("gold")); server != s.gold {
				t.Errorf("gold: %s", out)
			}
		}
		shares := map[string]bool{}
		for i := range 12 {
			first, out := s.get("get", s.customer(fmt.Sprint("customer ", i)))
			second, _ := s.get("get", s.customer(fmt.Sprint("customer ", i)))
			if first != second || !slices.Contains(s.ring, first) {
				t.Errorf("customer %d: %s, then %q", i, out, second)
			}
			shares[first] = true
		}
		if len(shares) < 2 { // of three servers, all but surely
			t.Errorf("all customers are served by %v", shares)
		}
		if server, out := s.get("get", s.customer("evil")); server != "" || !strings.Contains(out, "RBAC: access denied") {
			t.Errorf("evil: %s", out)
		}
		if server, out := s.get("get", s.without); !slices.Contains(s.ring, server) {
			t.Errorf("no customer: %s", out)
		}
		if server, out := s.get("strict", s.without); server != "" || !strings.Contains(out, "argument customer: missing") {
			t.Errorf("no customer where there has to be one: %s", out)
		}
		if server, out := s.get("get", s.broken); server != "" || !strings.Contains(out, "the path leads no further") {
			t.Errorf("no order at all: %s", out)
		}
		const values, refused = "dynamicmodulescustom.meltemi_arguments_values_total.name.customer.result.", "dynamicmodulescustom.meltemi_arguments_refused_total.name.customer"
		for stat, want := range map[string]int{
			values + "read": 27, values + "missing": 2, values + "unreadable": 1, refused: 2, "http.rpc.rbac.denied": 1,
			"cluster.gold.upstream_rq_total": 2, "cluster.ring.upstream_rq_total": 25,
		} {
			s.Eventually(stat, strconv.Itoa(want), func(n int) bool { return n == want })
		}
	})
}

// TestArgumentsOfOtherImplementations sends messages that others wrote, as they are.
func TestArgumentsOfOtherImplementations(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+s.Port)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(s.frame(t)); err != nil {
			t.Fatal(err)
		}
		// The answer names the server, as text within it.
		var answer []byte
		for piece := make([]byte, 4096); !strings.Contains(string(answer), s.gold); {
			n, err := conn.Read(piece)
			if answer = append(answer, piece[:n]...); err != nil {
				t.Fatalf("%v; the answer is %q", err, answer)
			}
		}
		for stat, want := range map[string]int{
			"dynamicmodulescustom.meltemi_arguments_values_total.name.golden.result.read": 1, "cluster.gold.upstream_rq_total": 1,
		} {
			s.Eventually(stat, strconv.Itoa(want), func(n int) bool { return n == want })
		}
	})
}

// frame is the golden message.
func (s *shop) frame(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../testdata/" + s.codec + "/frames.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); f[0] == s.golden {
			b, err := hex.DecodeString(f[3])
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatalf("no frame %s", s.golden)
	return nil
}
