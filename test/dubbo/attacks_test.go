package dubbo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	hessian "github.com/apache/dubbo-go-hessian2"

	"github.com/meltemi-mesh/meltemi/test/peers"
	"github.com/meltemi-mesh/meltemi/test/suite"
)

// The service of the peers and a path of HTTP/2 to one of its methods.
const (
	service  = "dev.meltemi.peer.Peer"
	echoPath = "/" + service + "/echo"
)

// The flags of Dubbo's header, with Hessian 2 as the serialization.
const (
	flagsResponse  = 0x02
	flagsHeartbeat = 0xe2
	flagsOneWay    = 0x82
	flagsRequest   = 0xc2
)

// forged is a Dubbo request, each part of it at will. What it leaves out is as in an
// honest call of echo.
type forged struct {
	flags       byte
	service     string
	method      string
	types       string
	arguments   []any
	attachments map[string]any
}

// bytes encodes the request with dubbo-go's encoder, not with the codec that is tested.
func (f forged) bytes(t *testing.T) []byte {
	t.Helper()
	values := []any{"2.0.2", orElse(f.service, service), "0.0.0", orElse(f.method, "echo"), orElse(f.types, "Ljava/lang/String;")}
	if f.arguments == nil {
		f.arguments = []any{"forged"}
	}
	attachments := map[any]any{"path": service, "interface": service}
	for k, v := range f.attachments {
		attachments[k] = v
	}
	body := hessian.NewEncoder()
	for _, v := range append(append(values, f.arguments...), attachments) {
		if err := body.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	flags := f.flags
	if flags == 0 {
		flags = flagsRequest
	}
	frame := append([]byte{0xda, 0xbb, flags, 0}, 0, 0, 0, 0, 0, 0, 0, 1)
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(body.Buffer())))
	return append(frame, body.Buffer()...)
}

// generic is a call of a method by name.
func generic(invoke, method string) forged {
	return forged{
		method: invoke, types: "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;",
		arguments:   []any{method, []string{"java.lang.String"}, []hessian.Object{"forged"}},
		attachments: map[string]any{"generic": "true"},
	}
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// guarded is a mesh file whose policy denies the method "declared".
func guarded(port string) string {
	return strings.Replace(peers.Bridge("dubbo", port), "  route_config:", `  filters:
  - name: envoy.filters.http.rbac
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
      rules:
        action: DENY
        policies:
          declared: {permissions: [{url_path: {path: {exact: /`+service+`/declared}}}], principals: [{any: true}]}
  route_config:`, 1)
}

// TestFramesThatContradictTheirHeaders sends HTTP/2 to the port of Dubbo, as another
// proxy would, with frames that say something else than the headers. The provider runs
// what the policy saw, or nothing: never the method that the policy denies.
func TestFramesThatContradictTheirHeaders(t *testing.T) {
	good := forged{}.bytes(t)
	type attack struct {
		path    string
		headers map[string]string
		body    []byte
		runs    string // the method that the provider runs, "" if none
	}
	attacks := map[string]attack{
		"an honest call":             {echoPath, nil, good, "echo"},
		"the denied method":          {"/" + service + "/declared", nil, forged{method: "declared"}.bytes(t), ""},
		"another method in the body": {echoPath, nil, forged{method: "declared"}.bytes(t), "echo"},
		"another method in the path": {"/" + service + "/noResult", nil, good, "noResult"},
		// It reaches the provider, for that finds services by the attachment; but Dubbo 3.3
		// reads no arguments when it does not know the service in the body.
		"another service in the body":           {echoPath, nil, forged{service: "other.Service"}.bytes(t), ""},
		"another service in the attachments":    {echoPath, nil, forged{attachments: map[string]any{"path": "other.Service"}}.bytes(t), "echo"},
		"another service in the path":           {"/other.Service/echo", nil, good, ""},
		"a group that no header names":          {echoPath, nil, forged{attachments: map[string]any{"group": "other"}}.bytes(t), "echo"},
		"a version that no header names":        {echoPath, nil, forged{attachments: map[string]any{"version": "9.9"}}.bytes(t), "echo"},
		"a version that no frame names":         {echoPath, map[string]string{"x-rpc-version": "9.9"}, good, ""},
		"a generic call of another method":      {echoPath, nil, generic("$invoke", "declared").bytes(t), "echo"},
		"an asynchronous one":                   {echoPath, nil, generic("$invokeAsync", "declared").bytes(t), "echo"},
		"a generic call by its own name":        {"/" + service + "/$invoke", nil, generic("$invoke", "declared").bytes(t), ""},
		"a service with a group in it":          {echoPath, nil, forged{attachments: map[string]any{"path": "g/" + service}}.bytes(t), ""},
		"a path that is no text":                {echoPath, nil, forged{attachments: map[string]any{"path": int32(1)}}.bytes(t), ""},
		"a byte behind the frame":               {echoPath, nil, append(bytes.Clone(good), 0), ""},
		"a second frame":                        {echoPath, nil, append(bytes.Clone(good), forged{method: "declared"}.bytes(t)...), ""},
		"half a frame":                          {echoPath, nil, good[:len(good)-1], ""},
		"a response":                            {echoPath, nil, forged{flags: flagsResponse}.bytes(t), ""},
		"a heartbeat":                           {echoPath, nil, append([]byte{0xda, 0xbb, flagsHeartbeat, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 'N'), ""},
		"one-way, though no header says so":     {echoPath, nil, forged{flags: flagsOneWay}.bytes(t), ""},
		"two-way, though a header says one-way": {echoPath, map[string]string{"x-rpc-kind": "oneway"}, good, ""},
		"a body that is longer than it says":    {echoPath, nil, shorter(good), ""},
		"another protocol's content-type":       {echoPath, map[string]string{"content-type": "application/grpc+thrift"}, good, ""},
	}
	for _, version := range suite.Both {
		t.Run(version, func(t *testing.T) {
			provider := peers.Serve(t, java33)
			proxy := peers.Start(t, version, guarded(provider.Port))
			client := suite.HTTP2(t)
			want := map[string]int{}
			for name, a := range attacks {
				headers := map[string]string{"content-type": "application/grpc+dubbo", "te": "trailers", "x-rpc-interface": service}
				maps.Copy(headers, a.headers)
				status := suite.Post(t, client, "http://127.0.0.1:"+proxy.Port+a.path, headers, a.body)
				if good := status == "0"; good != (a.runs != "") {
					t.Errorf("%s: grpc-status %s", name, status)
				}
				if a.runs != "" {
					want[a.runs]++
				}
			}
			ran(t, provider.Port, want)
		})
	}
}

// shorter has a frame's length end one byte before its body does.
func shorter(frame []byte) []byte {
	frame = bytes.Clone(frame)
	binary.BigEndian.PutUint32(frame[12:], binary.BigEndian.Uint32(frame[12:])-1)
	return frame
}

// TestCallsThatHideWhatTheyCall sends Dubbo, as any consumer could, that a provider
// reads as a call of the method that the policy denies, and a first glance does not.
func TestCallsThatHideWhatTheyCall(t *testing.T) {
	hidden := map[string]forged{
		"in the open":                   {method: "declared"},
		"generic":                       generic("$invoke", "declared"),
		"generic, asynchronous":         generic("$invokeAsync", "declared"),
		"generic, with white space":     generic("$invoke", " declared\t"),
		"another service in the body":   {service: "other.Service", method: "declared"},
		"a slash before the service":    {method: "declared", attachments: map[string]any{"path": "/" + service}},
		"a group that names nothing":    {method: "declared", attachments: map[string]any{"path": "/" + service + ":"}},
		"generic, of another service":   {service: "x.Y", method: "$invoke", types: generic("", "").types, arguments: generic("", "declared").arguments, attachments: map[string]any{"generic": "true"}},
		"one-way, so without an answer": {flags: flagsOneWay, method: "declared"},
	}
	for _, version := range suite.Both {
		t.Run(version, func(t *testing.T) {
			provider := peers.Serve(t, java33)
			proxy := peers.Start(t, version, guarded(provider.Port))
			conn, err := net.Dial("tcp", "127.0.0.1:"+proxy.Port)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Fatal(err)
			}
			for name, call := range hidden {
				if _, err := conn.Write(call.bytes(t)); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if call.flags == flagsOneWay {
					continue
				}
				if status, text := answer(t, conn); status == 20 && !strings.Contains(text, "RBAC: access denied") {
					t.Errorf("%s: answered with status %d and %q", name, status, text)
				}
			}
			// The connection serves on: an honest generic call is what it says.
			if _, err := conn.Write(generic("$invoke", "echo").bytes(t)); err != nil {
				t.Fatal(err)
			}
			if status, text := answer(t, conn); status != 20 || !strings.Contains(text, "forged") {
				t.Errorf("an honest call: status %d and %q", status, text)
			}
			ran(t, provider.Port, map[string]int{"echo": 1})
		})
	}
}

// answer reads a frame and returns its status and its body.
func answer(t *testing.T, conn net.Conn) (status byte, body string) {
	t.Helper()
	header := make([]byte, 16)
	if _, err := io.ReadFull(conn, header); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, min(binary.BigEndian.Uint32(header[12:]), 1<<20))
	if _, err := io.ReadFull(conn, b); err != nil {
		t.Fatal(err)
	}
	return header[3], string(b)
}

// TestLocalEntriesAreNobodyElses: what a peer sends as x-rpc-local-* is gone before
// anybody routes by it, and other entries are not.
func TestLocalEntriesAreNobodyElses(t *testing.T) {
	for _, version := range suite.Both {
		t.Run(version, func(t *testing.T) {
			mesh := strings.Replace(peers.Bridge("dubbo", "1"), "{match: {prefix: /}, route: {cluster: server}}", `
        {match: {prefix: /, headers: [{name: x-rpc-local-admin, present_match: true}]}, direct_response: {status: 403}},
        {match: {prefix: /, headers: [{name: x-rpc-admin, present_match: true}]}, direct_response: {status: 403}},
        {match: {prefix: /}, direct_response: {status: 404}}`, 1)
			url := "http://127.0.0.1:" + peers.Start(t, version, mesh).Port + echoPath
			for header, want := range map[string]string{"x-rpc-local-admin": "12", "X-Rpc-Local-Admin": "12", "x-rpc-admin": "7"} {
				headers := map[string]string{"content-type": "application/grpc+dubbo", "te": "trailers", header: "1"}
				if status := suite.Post(t, suite.HTTP2(t), url, headers, forged{}.bytes(t)); status != want {
					t.Errorf("%s: grpc-status %s, want %s", header, status, want)
				}
			}
		})
	}
}

// ran checks how often a provider ran each of its methods.
func ran(t *testing.T, port string, want map[string]int) {
	t.Helper()
	var all []string
	for _, method := range []string{"declared", "echo", "noResult"} {
		if n := want[method]; n > 0 {
			all = append(all, fmt.Sprintf("%s=%d", method, n))
		}
	}
	got := strings.Join(peers.Call(t, java33, port, "executions", 1, 20*time.Second), "")
	if want := "{" + strings.Join(all, ", ") + "}"; got != want {
		t.Errorf("the provider ran %s, want %s", got, want)
	}
}
