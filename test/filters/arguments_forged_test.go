package filters

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/suite"
)

// TestArgumentsCannotBeForged has clients that say by other ways which customer they are:
// metadata with the name of the header or of the entry, and HTTP/2 with the header itself.
func TestArgumentsCannotBeForged(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		forged := append([]string{"--set", "x-rpc-local-customer=gold", "--set", "local-customer=gold", "--set", "Local-Customer~=gold"}, s.options...)
		for _, argument := range []string{s.customer("other"), s.without} {
			for _, method := range []string{"get", "unknown"} {
				server, out := s.get(method, argument, forged...)
				if !slices.Contains(s.ring, server) {
					t.Errorf("%s with %s: %s", method, argument, out)
				}
				if strings.Count(out, "ocal-") != 3 { // the server gets what the client sent
					t.Errorf("%s with %s: the metadata is not there: %s", method, argument, out)
				}
			}
		}
		evil := append([]string{"--set", "x-rpc-local-customer=other", "--set", "local-customer=other"}, s.options...)
		if server, out := s.get("get", s.customer("evil"), evil...); server != "" {
			t.Errorf("evil: %s", out)
		}
		s.foreign(t)
		for stat, want := range map[string]int{"cluster.gold.upstream_rq_total": 1, "cluster.ring.upstream_rq_total": 5, "http.rpc.rbac.denied": 1} {
			s.Eventually(stat, strconv.Itoa(want), func(n int) bool { return n == want })
		}
	})
}

// TestArgumentsThatContradictThemselves has clients that name two customers, one for the
// policy and one for the server.
func TestArgumentsThatContradictThemselves(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		for _, names := range [][2]string{{"gold", "other"}, {"other", "gold"}, {"other", "evil"}} {
			file := filepath.Join(t.TempDir(), "payload")
			if err := os.WriteFile(file, []byte(s.two(names[0], names[1])), 0o600); err != nil {
				t.Fatal(err)
			}
			out, failed := s.call("get", "--payload", "@"+file, "-o", "json")
			server := serverName.FindStringSubmatch(out)
			switch {
			case !s.lastRules:
				if !failed || !strings.Contains(out, "there twice") {
					t.Errorf("%v: %s", names, out)
				}
			case names[1] == "evil":
				if !failed || !strings.Contains(out, "RBAC: access denied") {
					t.Errorf("%v: %s", names, out)
				}
			case failed || server == nil || (server[1] == s.gold) != (names[1] == "gold"):
				t.Errorf("%v: %s", names, out)
			}
		}
		reached := map[string]int{"cluster.gold.upstream_rq_total": 0, "cluster.ring.upstream_rq_total": 0}
		if s.lastRules {
			reached = map[string]int{"cluster.gold.upstream_rq_total": 1, "cluster.ring.upstream_rq_total": 1}
		}
		for stat, want := range reached {
			s.Eventually(stat, strconv.Itoa(want), func(n int) bool { return n == want })
		}
	})
}

// foreign sends the golden message to the port in HTTP/2, as another proxy would, with
// headers that filters set.
func (s *shop) foreign(t *testing.T) {
	t.Helper()
	client := suite.HTTP2(t)
	url := "http://127.0.0.1:" + s.Port
	headers := func(name, value string) map[string]string {
		return map[string]string{"content-type": "application/grpc+" + s.codec, "te": "trailers", name: value}
	}
	// For this method no customer is chosen, and the golden value leads to the server.
	if status := suite.Post(t, client, url+s.called, headers("x-rpc-local-golden", "other"), s.frame(t)); status != "0" {
		t.Errorf("a golden call with another value in a header: status %s", status)
	}
	// Neither has this one; and its message is rewritten to the method that the path names.
	other := s.called[:strings.LastIndex(s.called, "/")] + "/other"
	if status := suite.Post(t, client, url+other, headers("x-rpc-local-customer", "gold"), s.frame(t)); status != "0" {
		t.Errorf("a call with a customer in a header: status %s", status)
	}
	// A call without a message has no value either.
	if status := suite.Post(t, client, url+s.called, headers("x-rpc-local-golden", s.goldenValue), nil); status == "0" || status == "" {
		t.Errorf("a call without a message: status %q", status)
	}
}
