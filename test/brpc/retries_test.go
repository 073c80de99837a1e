package brpc

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

// tries is how often brpc-java makes a call that fails, unless it is told.
const tries = 3

// TestRepeatedCalls counts what becomes of calls that fail. brpc-java makes each of them
// again, whatever the code that it was given, and so it does without a proxy: no code
// would hold it back. No proxy adds to that, though its routes retry as Istio's do.
func TestRepeatedCalls(t *testing.T) {
	deny := `{match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: denied}}]}, route: {cluster: server,
          retry_policy: {retry_on: "connect-failure,refused-stream,unavailable,cancelled", num_retries: 2}},
         typed_per_filter_config: {envoy.filters.http.rbac: {
           "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute,
           rbac: {rules: {action: DENY, policies: {all: {permissions: [{any: true}], principals: [{any: true}]}}}}}}}`
	for client, want := range map[peers.Program]int{once: 1, byDefault: tries} {
		t.Run(client.String(), func(t *testing.T) {
			server := peers.Serve(t, once)
			mesh := strings.Replace(with(peers.Bridge("brpc", server.Port), deny, ""), "  route_config:", `  filters:
  - name: envoy.filters.http.rbac
    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC}
  route_config:`, 1)
			proxy := peers.Start(t, suite.Newest, mesh)
			seen := peers.Errors(t, client, proxy.Port, suite.ClientTimeout, "denied")
			if s := seen["denied"]; s.Code != "SERVICE" || s.Text != "RBAC: access denied" {
				t.Errorf("the client saw %+v", s)
			}
			proxy.Eventually("dynamicmodulescustom.meltemi_local_replies", strconv.Itoa(want), func(n int) bool { return n == want })
			ran(t, server.Port, "{echo=1}") // the client's first call

			// Without a proxy, a call that takes longer than its client waits.
			direct := strings.Join(peers.Call(t, client, server.Port, "sleep", 1, 500*time.Millisecond, "700"), "")
			if !strings.Contains(direct, "TIMEOUT") {
				t.Errorf("the direct call: %q", direct)
			}
			ran(t, server.Port, fmt.Sprintf("{echo=2, sleep=%d}", want))
		})
	}
}

// TestWhatNoServerHas calls a method and a service that the server does not have. A
// server of brpc-java gives its answers to them, and to what it cannot read, the id 0,
// so its clients wait for their timeouts. A proxy does not.
func TestWhatNoServerHas(t *testing.T) {
	server := peers.Serve(t, once)
	proxy := peers.Start(t, suite.Oldest, peers.Bridge("brpc", server.Port))
	direct := peers.Errors(t, once, server.Port, time.Second, "missing-method", "missing-service")
	seen := peers.Errors(t, once, proxy.Port, suite.ClientTimeout, "missing-method", "good", "missing-service", "good")
	for _, name := range []string{"missing-method", "missing-service"} {
		if s := direct[name]; s.Code != "TIMEOUT" {
			t.Errorf("%s: without a proxy: %+v", name, s)
		}
		if s := seen[name]; s.Code != "SERVICE" || s.Text != "bad response: the server sent a reply that nobody waits for" || s.Took >= suite.ClientTimeout {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if seen["good"].Text != "good" {
		t.Errorf("the next call: %+v", seen["good"])
	}
}
