package thrift

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

// guarded is a mesh file whose policy denies the method noResult of the service Peer. It
// declares tell, so that a one-way call of it leaves its server's connection to others.
func guarded(port string) string {
	codec := `{name: thrift, config: {oneway: [tell, "Peer:tell"]}}`
	return strings.Replace(peers.Bridge(codec, port), "  route_config:", `  filters:
  - name: envoy.filters.http.rbac
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
      rules:
        action: DENY
        policies:
          denied: {permissions: [{url_path: {path: {exact: /Peer/noResult}}}], principals: [{any: true}]}
  route_config:`, 1)
}

// attack is an HTTP/2 request, as another proxy would send it.
type attack struct {
	path    string
	headers map[string]string
	body    []byte
	runs    string // the method that the server runs, "" if none
}

// framedAttacks are for a server of several services.
func framedAttacks() map[string]attack {
	good, denied := message(messageCall, "Peer:echo"), message(messageCall, "Peer:noResult")
	lane, oneway := map[string]string{"x-rpc-lane": "green"}, map[string]string{"x-rpc-kind": "oneway"}
	return map[string]attack{
		"an honest call":                      {"/Peer/echo", nil, framed(good), "echo"},
		"the denied method":                   {"/Peer/noResult", nil, framed(denied), ""},
		"another method in the frame":         {"/Peer/echo", nil, framed(denied), "echo"},
		"another service in the frame":        {"/Peer/echo", nil, framed(message(messageCall, "Second:noResult")), "echo"},
		"no service in the frame":             {"/Peer/echo", nil, framed(message(messageCall, "noResult")), "echo"},
		"two services in the frame":           {"/Peer/echo", nil, framed(message(messageCall, "Second:Peer:noResult")), "echo"},
		"no service in the path":              {"/thrift/echo", nil, framed(good), ""},
		"a service in the path's method":      {"/thrift/Peer:noResult", nil, framed(message(messageCall, "echo")), ""},
		"a method in the path's service":      {"/Peer:noResult/echo", nil, framed(good), ""},
		"two services in the path":            {"/Peer:Peer/noResult", nil, framed(good), ""},
		"a second message inside the frame":   {"/Peer/echo", nil, framed(good, denied), ""},
		"a byte inside the frame":             {"/Peer/echo", nil, framed(good, []byte{0}), ""},
		"a byte behind the frame":             {"/Peer/echo", nil, append(framed(good), 0), ""},
		"a second frame":                      {"/Peer/echo", nil, append(framed(good), framed(denied)...), ""},
		"a message that its frame cuts short": {"/Peer/echo", nil, framed(good[:len(good)-1]), ""},
		"a reply":                             {"/Peer/echo", nil, framed(message(messageReply, "Peer:echo")), ""},
		"a header that no frame can have":     {"/Peer/echo", lane, framed(good), ""},
		"a call that a header says is oneway": {"/Peer/echo", oneway, framed(good), ""},
		"a oneway that no header says is one": {"/Peer/tell", nil, framed(message(messageOneway, "Peer:tell")), ""},
		"a oneway of another method":          {"/Peer/tell", oneway, framed(message(messageOneway, "Peer:noResult")), "tell"},
		"another protocol's content-type":     {"/Peer/echo", map[string]string{"content-type": "application/grpc+dubbo"}, framed(good), ""},
	}
}

// ttheaderAttacks are for a server that finds the service in a header.
func ttheaderAttacks() map[string]attack {
	isn := func(services ...string) (texts [][2]string) {
		for _, s := range services {
			texts = append(texts, [2]string{"isn", s})
		}
		return texts
	}
	good, denied := message(messageCall, "echo"), message(messageCall, "noResult")
	const toMethod = 9
	return map[string]attack{
		"an honest call":                 {"/Peer/echo", nil, ttheader(isn("Peer"), nil, good), "echo"},
		"the denied method":              {"/Peer/noResult", nil, ttheader(isn("Peer"), nil, denied), ""},
		"another method in the frame":    {"/Peer/echo", nil, ttheader(isn("Peer"), nil, denied), "echo"},
		"another service in the headers": {"/Peer/echo", nil, ttheader(isn("Second"), nil, denied), "echo"},
		"two services in the headers":    {"/Peer/echo", nil, ttheader(isn("Peer", "Second"), nil, denied), "echo"},
		"a method in the headers":        {"/Peer/echo", nil, ttheader(isn("Peer"), map[uint16]string{toMethod: "noResult"}, good), "echo"},
		// Kitex finds the method of its only service under any service's name.
		"another service in the path":        {"/Second/echo", nil, ttheader(isn("Peer"), nil, good), "echo"},
		"a service among the HTTP headers":   {"/Peer/echo", map[string]string{"x-rpc-isn": "Second"}, ttheader(isn("Peer"), nil, good), ""},
		"a header that the frame has not":    {"/Peer/echo", map[string]string{"x-rpc-lane": "green"}, ttheader(isn("Peer"), nil, good), "echo"},
		"a service in the name":              {"/Peer/echo", nil, ttheader(isn("Peer"), nil, message(messageCall, "Peer:noResult")), "echo"},
		"a second message behind the header": {"/Peer/echo", nil, ttheader(isn("Peer"), nil, append(bytes.Clone(good), denied...)), ""},
		"a second frame":                     {"/Peer/echo", nil, append(ttheader(isn("Peer"), nil, good), ttheader(isn("Peer"), nil, denied)...), ""},
	}
}

// TestFramesThatContradictTheirHeaders sends HTTP/2 to the port of Thrift with frames that
// say something else than the headers. The server runs what the policy saw, or nothing:
// never the method that the policy denies.
func TestFramesThatContradictTheirHeaders(t *testing.T) {
	goMux := peers.Program{Library: peers.ThriftGo, Settings: "framed-binary-mux"}
	for peer, attacks := range map[peers.Program]map[string]attack{goMux: framedAttacks(), kitexTT: ttheaderAttacks()} {
		for _, envoy := range suite.Both {
			t.Run(peer.String()+" "+envoy, func(t *testing.T) {
				server := peers.Serve(t, peer)
				proxy := peers.Start(t, envoy, guarded(server.Port))
				client := suite.HTTP2(t)
				ran := map[string]int{}
				// In an order in which others follow the one-way call.
				for _, name := range slices.Sorted(maps.Keys(attacks)) {
					a := attacks[name]
					headers := map[string]string{"content-type": "application/grpc+thrift", "te": "trailers"}
					maps.Copy(headers, a.headers)
					status := suite.Post(t, client, "http://127.0.0.1:"+proxy.Port+a.path, headers, a.body)
					if good := status == "0"; good != (a.runs != "") {
						t.Errorf("%s: grpc-status %s", name, status)
					}
					if a.runs != "" {
						ran[a.runs]++
					}
				}
				want := strings.NewReplacer("map[", "{", "]", "}", ":", "=", " ", ", ").Replace(fmt.Sprint(ran))
				if got := strings.Join(peers.Call(t, peer, server.Port, "executions", 1, suite.ClientTimeout), ""); got != want {
					t.Errorf("%s was executed, want %s", got, want)
				}
			})
		}
	}
}
