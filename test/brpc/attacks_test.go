package brpc

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

// guarded is a mesh file whose policy denies the method "failing". It needs lower_case,
// for brpc-java looks its methods up in any case.
func guarded(port string) string {
	return strings.Replace(peers.Bridge("{name: brpc, config: {dialect: java, lower_case: true}}", port), "  route_config:", `  filters:
  - name: envoy.filters.http.rbac
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
      rules:
        action: DENY
        policies:
          failing: {permissions: [{url_path: {path: {exact: /`+strings.ToLower(service)+`/failing}}}], principals: [{any: true}]}
  route_config:`, 1)
}

// path is the path of HTTP/2 to a method of the peers' service, as lower_case has it.
func path(method string) string { return "/" + strings.ToLower(service) + "/" + method }

// TestFramesThatContradictTheirHeaders sends HTTP/2 to the port of bRPC, as another
// proxy would, with frames that say something else than the headers. The server runs
// what the policy saw, or nothing: never the method that the policy denies.
func TestFramesThatContradictTheirHeaders(t *testing.T) {
	echo := calling(named(service, "echo"))
	good := frame(echo, "hello")
	ext := func(key, value string) []byte {
		return frame(calling(named(service, "metadata").entry(callExtField, key, value)), "hello")
	}
	attacks := map[string]struct {
		path    string
		headers map[string]string
		body    []byte
		runs    string // the method that the server runs, "" if none
	}{
		"an honest call":                         {path("echo"), nil, good, "echo"},
		"the denied method":                      {path("failing"), nil, frame(calling(named(service, "failing")), ""), ""},
		"another method in the frame":            {path("echo"), nil, frame(calling(named(service, "failing")), ""), "echo"},
		"another method in the path":             {path("metadata"), nil, good, "metadata"},
		"another service in the frame":           {path("echo"), nil, frame(calling(named("other.Service", "failing")), ""), "echo"},
		"another service in the path":            {"/other.service/echo", nil, good, ""},
		"a dot in the path's method":             {"/dev.meltemi.peer/peer.echo", nil, good, ""},
		"the frame's method twice":               {path("echo"), nil, frame(calling(named(service, "echo").text(callMethod, "failing")), ""), "echo"},
		"two requests in the frame":              {path("echo"), nil, frame(calling(named(service, "echo")).message(metaRequest, named(service, "failing")), ""), "echo"},
		"a request with an answer in it":         {path("echo"), nil, frame(echo.message(metaResponse, fields(nil).number(replyCode, 0)), "hello"), ""},
		"metadata that no header names":          {path("metadata"), nil, ext("lane", "blue"), "metadata"},
		"metadata that no frame has":             {path("metadata"), map[string]string{"x-rpc-lane": "green"}, frame(calling(named(service, "metadata")), "hello"), "metadata"},
		"metadata that the frame has otherwise":  {path("metadata"), map[string]string{"x-rpc-lane": "green"}, ext("lane", "blue"), "metadata"},
		"a log id that is no number":             {path("echo"), map[string]string{"x-rpc-log_id": "seven"}, good, ""},
		"a compression that the frame has not":   {path("echo"), map[string]string{"x-rpc-compress_type": "gzip"}, good, ""},
		"credentials that nobody was asked for":  {path("echo"), nil, frame(echo.text(metaCredentials, "secret"), "hello"), ""},
		"a stream":                               {path("echo"), nil, frame(echo.message(metaStream, fields(nil).number(1, 7)), "hello"), ""},
		"a frame of a stream":                    {path("echo"), nil, append([]byte("STRM"), good[4:]...), ""},
		"a byte behind the frame":                {path("echo"), nil, append(bytes.Clone(good), 0), ""},
		"a second frame":                         {path("echo"), nil, append(bytes.Clone(good), frame(calling(named(service, "failing")), "")...), ""},
		"half a frame":                           {path("echo"), nil, good[:len(good)-1], ""},
		"a response":                             {path("echo"), nil, frame(fields(nil).message(metaResponse, fields(nil).number(replyCode, 0)).number(metaID, 7), "hello"), ""},
		"two-way, though a header says one-way":  {path("echo"), map[string]string{"x-rpc-kind": "oneway"}, good, ""},
		"another protocol's content-type":        {path("echo"), map[string]string{"content-type": "application/grpc+dubbo"}, good, ""},
		"the length of an attachment that lacks": {path("echo"), nil, frame(echo.number(5, 1000), "hello"), ""},
	}
	for _, envoy := range suite.Both {
		t.Run(envoy, func(t *testing.T) {
			server := peers.Serve(t, once)
			proxy := peers.Start(t, envoy, guarded(server.Port))
			client := suite.HTTP2(t)
			want := map[string]int{}
			for name, a := range attacks {
				headers := map[string]string{"content-type": "application/grpc+brpc", "te": "trailers"}
				maps.Copy(headers, a.headers)
				status := suite.Post(t, client, "http://127.0.0.1:"+proxy.Port+a.path, headers, a.body)
				if good := status == "0"; good != (a.runs != "") {
					t.Errorf("%s: grpc-status %s", name, status)
				}
				if a.runs != "" {
					want[a.runs]++
				}
			}
			ran(t, server.Port, fmt.Sprintf("{echo=%d, metadata=%d}", want["echo"], want["metadata"]))
		})
	}
}

// TestCallsThatHideWhatTheyCall sends bRPC, as any client could, that a server reads as
// a call of the method that the policy denies, and a first glance does not.
func TestCallsThatHideWhatTheyCall(t *testing.T) {
	failing := calling(named(service, "failing"))
	hidden := map[string]fields{
		"in the open":                    failing,
		"in capital letters":             calling(named("DEV.Meltemi.peer.PEER", "FAILING")),
		"a dot that moved":               calling(named("dev.meltemi.peer", "Peer.failing")),
		"the last of two methods":        calling(named(service, "echo").text(callMethod, "failing")),
		"the last of two services":       calling(named("other.Service", "failing").text(callService, service)),
		"the last of two requests":       calling(named(service, "echo")).message(metaRequest, named(service, "failing")),
		"a method in a second request":   calling(named(service, "echo")).message(metaRequest, fields(nil).text(callMethod, "failing")),
		"a service in a second request":  calling(fields(nil).text(callMethod, "failing")).message(metaRequest, fields(nil).text(callService, service)),
		"beside an answer":               failing.message(metaResponse, fields(nil).number(replyCode, 0)),
		"behind a field that is no text": calling(fields(nil).number(callMethod, 7).text(callService, service).text(callMethod, "failing")),
		"behind a group": calling(append(protowire.AppendTag(protowire.AppendTag(nil, 15, protowire.StartGroupType), 15, protowire.EndGroupType),
			named(service, "failing")...)),
		"with a length in too many bytes": calling(append(append(fields(nil).text(callService, service), 0x12, 0x87, 0x80, 0x80, 0x80, 0x00), "failing"...)),
		"with a letter of another script": calling(named(service, "fa\u0130ling")),
	}
	for _, envoy := range suite.Both {
		t.Run(envoy, func(t *testing.T) {
			server := peers.Serve(t, once)
			proxy := peers.Start(t, envoy, guarded(server.Port))
			for name, meta := range hidden {
				// A connection of its own: a meta that cannot be read ends it.
				conn := connect(t, proxy.Port)
				if _, err := conn.Write(frame(meta, "hidden")); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				answer, err := readAll(conn)
				if err != nil || strings.Contains(answer, "hidden") {
					t.Errorf("%s: answered with %q (%v)", name, answer, err)
				}
			}
			if code, text := connect(t, proxy.Port).call(frame(calling(named("Dev.Meltemi.Peer.Peer", "Echo")), "honest")); code != 0 || text != "honest" {
				t.Errorf("an honest call: code %d and %q", code, text)
			}
			ran(t, server.Port, "{echo=1}")
		})
	}
}

// readAll reads an answer, or up to the connection's end.
func readAll(conn connection) (string, error) {
	b := make([]byte, 4096)
	n, err := conn.Read(b)
	if n > 0 || err != nil && strings.Contains(err.Error(), "EOF") {
		return string(b[:n]), nil
	}
	return "", err
}
