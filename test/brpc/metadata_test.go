package brpc

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

// with is a mesh file of peers.Bridge with more routes, before the one for all, and more
// clusters.
func with(mesh, routes, clusters string) string {
	return strings.Replace(mesh, "routes: [", "routes: ["+routes+",\n        ", 1) + clusters
}

// TestMetadata routes by what brpc-java calls a key-value attachment, and has the route
// change metadata and the log id: the server sees what the route made of them, through
// one proxy and through two.
func TestMetadata(t *testing.T) {
	for _, envoy := range suite.Both {
		t.Run(envoy, func(t *testing.T) {
			blue, other := peers.Serve(t, once), peers.Serve(t, once)
			changed := `{match: {prefix: /, headers: [{name: x-rpc-case, string_match: {exact: metadata}}]}, route: {cluster: blue},
         request_headers_to_add: [
           {header: {key: x-rpc-case, value: "changed, 灰"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD},
           {header: {key: x-rpc-lane, value: green}, append_action: OVERWRITE_IF_EXISTS_OR_ADD},
           {header: {key: x-rpc-log_id, value: "77"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]}`
			one := peers.Start(t, envoy, with(peers.Bridge("brpc", other.Port), changed,
				fmt.Sprintf("- {name: blue, codec: brpc, endpoints: [\"127.0.0.1:%s\"]}\n", blue.Port)))
			two := peers.Start(t, envoy, peers.Forward("brpc", one.Port))
			for _, port := range []string{one.Port, two.Port} {
				seen := peers.Errors(t, once, port, suite.ClientTimeout, "metadata", "other")
				if want := "metadata {case=changed, 灰, lane=green} log 77 trace null credentials "; seen["metadata"].Text != want {
					t.Errorf("the server saw %q, want %q", seen["metadata"].Text, want)
				}
				if seen["other"].Text != "other" {
					t.Errorf("a call of another route: %+v", seen["other"])
				}
			}
			ran(t, blue.Port, "{metadata=2}")
			ran(t, other.Port, "{echo=4}") // with the first call of each client
		})
	}
}

// ran checks how often a server ran each of its methods.
func ran(t *testing.T, port, want string) {
	t.Helper()
	if got := strings.Join(peers.Call(t, once, port, "executions", 1, 20*time.Second), ""); got != want {
		t.Errorf("the server ran %s, want %s", got, want)
	}
}

// TestCredentials has a client send authentication_data. They are refused, in the form
// that says so, and the server does not see the call; with shared_credentials they pass.
func TestCredentials(t *testing.T) {
	for _, envoy := range suite.Both {
		t.Run(envoy, func(t *testing.T) {
			server := peers.Serve(t, once)
			strict := peers.Start(t, envoy, peers.Bridge("brpc", server.Port))
			seen := peers.Errors(t, once, strict.Port, suite.ClientTimeout, "credentials", "good")
			if s := seen["credentials"]; s.Code != "SERVICE" || !strings.Contains(s.Text, "shared_credentials") {
				t.Errorf("credentials were answered with %+v", s)
			}
			if seen["good"].Text != "good" {
				t.Errorf("the next call on the connection: %+v", seen["good"])
			}
			request := frame(calling(named(service, "echo")).text(metaCredentials, "secret"), "hello")
			if code, text := connect(t, strict.Port).call(request); code != 1004 {
				t.Errorf("credentials were answered with code %d and %q, want 1004, ERPCAUTH", code, text)
			}
			ran(t, server.Port, "{echo=2}") // the client's first call and the good one

			shared := peers.Start(t, envoy, peers.Bridge("{name: brpc, config: {shared_credentials: true}}", server.Port))
			seen = peers.Errors(t, once, shared.Port, suite.ClientTimeout, "credentials")
			if s := seen["credentials"]; !strings.HasSuffix(s.Text, " credentials secret") {
				t.Errorf("the server saw %+v", s)
			}
		})
	}
}

// fromCPP is a request as C++ clients make them, with a request_id and a timeout of 5
// s: service example.EchoService, method Echo, log id 7, id 1 and the text "hello".
// protoc encoded it, with the .proto files of apache/brpc.
const fromCPP = "50525043000000320000002b0a270a136578616d706c652e4563686f5365727669636512044563686f18073a057269642d3140882720010a0568656c6c6f"

// TestClientsInCPP has a server of brpc-java answer a request that it could not read
// itself: a route gives it another service and method and takes away the request_id. And
// its deadline is kept where no answer comes.
func TestClientsInCPP(t *testing.T) {
	request, err := hex.DecodeString(fromCPP)
	if err != nil {
		t.Fatal(err)
	}
	for _, envoy := range suite.Both {
		t.Run(envoy, func(t *testing.T) {
			server := peers.Serve(t, once)
			peers.Call(t, once, server.Port, "executions", 1, suite.ClientTimeout) // a server's first call takes its time
			rewritten := `{match: {path: /example.EchoService/Echo, headers: [{name: x-rpc-request_id, string_match: {exact: rid-1}}]},
         route: {cluster: server, prefix_rewrite: /dev.meltemi.peer.Peer/echo}, request_headers_to_remove: [x-rpc-request_id]}`
			proxy := peers.Start(t, envoy, with(peers.Bridge("brpc", server.Port), rewritten, ""))
			if code, text := connect(t, proxy.Port).call(request); code != 0 || text != "hello" {
				t.Errorf("code %d and %q", code, text)
			}
			if code, text := connect(t, server.Port).call(request); code != 2001 {
				t.Errorf("without a proxy: code %d and %q; then nothing was shown", code, text)
			}
			ran(t, server.Port, "{echo=1}")

			silent := peers.Start(t, envoy, peers.Bridge("{name: brpc, deadline_margin: 4s}", suite.Silent(t)))
			conn := connect(t, silent.Port)
			start := time.Now()
			code, text := conn.call(request)
			if took := time.Since(start); code != 1008 || took < 500*time.Millisecond || took > 5*time.Second {
				t.Errorf("after %v: code %d and %q, want 1008, ERPCTIMEDOUT, after 1 s and before the caller's 5 s", took, code, text)
			}
		})
	}
}
