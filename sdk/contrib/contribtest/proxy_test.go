package contribtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/envoytest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/nethost"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

const toy = `{"name":"toy"}`

// The facts of a request, by the numbers of EnvoyValue in golang_filter.h.
const (
	factRoute       = 1
	factDetails     = 5
	factDestination = 7
	factSource      = 8
	factUpstream    = 10
	factCluster     = 11
	factTLS         = 100
	factSubject     = 108
	factURI         = 116
	factDNS         = 118
	factFlags       = 200
)

// proxy is the path of calls through an Envoy: the client's edge, a connection manager
// whose one filter runs in the host, and the server's edge.
type proxy struct {
	*host
	server   *envoytest.Server
	upstream *nethost.Handler
	config   string            // of the filter
	routes   map[string]string // the same with what routes say, by service
	facts    map[int]string
	requests atomic.Int64
}

// startProxy starts one whose filter has that configuration in JSON.
func startProxy(t *testing.T, handle envoytest.Handler, plugin, config string) *proxy {
	t.Helper()
	p := &proxy{host: startHost(t), server: envoytest.Serve(t, handle), routes: map[string]string{}, facts: map[int]string{
		factSource: "127.0.0.1:40000", factDestination: "127.0.0.1:20880", factRoute: "all", factCluster: "server",
	}}
	p.config = p.must(p.ask("config %s %s", plugin, text(t, config)))
	p.upstream = &nethost.Handler{Config: engineConfig(t), Dial: func(context.Context) (net.Conn, error) {
		return net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(p.server.Port))
	}}
	t.Cleanup(p.upstream.Close)
	return p
}

func engineConfig(tb testing.TB) *engine.Config {
	tb.Helper()
	c, err := engine.ParseConfig([]byte(toy), []sdk.Definition{testcodec.Definition()})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// dial returns a client whose calls take the whole path.
func (p *proxy) dial(t *testing.T) *envoytest.Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			rpc, err := l.Accept()
			if err != nil {
				return
			}
			edge, manager := net.Pipe()
			go (&http2.Server{}).ServeConn(manager, &http2.ServeConnOpts{Handler: p})
			go func() { _ = nethost.Client(engineConfig(t), rpc, edge, nil) }()
		}
	}()
	return envoytest.Dial(t, l.Addr().(*net.TCPAddr).Port)
}

// ServeHTTP is the connection manager, with the router behind the filter.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := p.requests.Add(1)
	service, _, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	config, ok := p.routes[service]
	if !ok {
		config = p.config
	}
	p.tell("request %d %s probe", id, config)
	for number, value := range p.facts {
		p.tell("fact %d %d %s", id, number, inHex(value))
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	p.tell("request-headers %d 0 %s", id, requestHeaders(r))
	half := len(body) / 2
	p.tell("request-data %d 0 %s", id, inHex(body[:half]))
	p.tell("request-data %d 1 %s", id, inHex(body[half:]))
	p.follow(id, w)
	p.tell("end %d", id)
	for e := range p.object("request " + strconv.FormatInt(id, 10)) {
		if e.what == "destroyed" {
			return
		}
	}
}

// follow does what a connection manager does with a request, until its answer is there.
func (p *proxy) follow(id int64, w http.ResponseWriter) {
	request := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	var body bytes.Buffer
	for e := range p.object("request " + strconv.FormatInt(id, 10)) {
		switch e.what {
		case "request-headers":
			for _, f := range parseHeaders(p.t, e.words[1:]) {
				if string(f.Name) == ":path" {
					request.URL.Path = string(f.Value)
				} else if f.Name[0] != ':' {
					request.Header.Add(string(f.Name), string(f.Value))
				}
			}
		case "request-data":
			body.Write(fromHex(p.t, e.words[1]))
			if e.words[0] == "1" {
				request.Body = io.NopCloser(&body)
				go p.route(id, request)
			}
		case "response-headers":
			for _, f := range parseHeaders(p.t, e.words[1:]) {
				if f.Name[0] != ':' {
					w.Header().Add(string(f.Name), string(f.Value))
				}
			}
			w.WriteHeader(http.StatusOK)
			if e.words[0] == "1" {
				return
			}
		case "response-data":
			_, _ = w.Write(fromHex(p.t, e.words[1]))
			if e.words[0] == "1" {
				return
			}
		case "response-trailers":
			for _, f := range parseHeaders(p.t, e.words) {
				w.Header().Add(http.TrailerPrefix+string(f.Name), string(f.Value))
			}
			return
		}
	}
}

// route makes the call to the server, and gives its answer to the filter in parts.
func (p *proxy) route(id int64, request *http.Request) {
	p.tell("fact %d %d %s", id, factUpstream, inHex("127.0.0.1:"+strconv.Itoa(p.server.Port)))
	p.tell("fact %d %d %s", id, factDetails, inHex("via_upstream"))
	w := httptest.NewRecorder()
	p.upstream.ServeHTTP(w, request)
	answer := w.Result()
	body := w.Body.Bytes()
	headers, trailers := []string{":status=" + inHex(strconv.Itoa(answer.StatusCode))}, []string(nil)
	for name, values := range w.Header() {
		if trailer, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			trailers = append(trailers, strings.ToLower(trailer)+"="+inHex(values[0]))
			continue
		}
		headers = append(headers, strings.ToLower(name)+"="+inHex(values[0]))
	}
	if len(body) == 0 {
		p.tell("response-headers %d 1 %s", id, strings.Join(headers, " "))
		return
	}
	p.tell("response-headers %d 0 %s", id, strings.Join(headers, " "))
	half := len(body) / 2
	p.tell("response-data %d 0 %s", id, inHex(body[:half]))
	if len(trailers) == 0 {
		p.tell("response-data %d 1 %s", id, inHex(body[half:]))
		return
	}
	p.tell("response-data %d 0 %s", id, inHex(body[half:]))
	p.tell("response-trailers %d %s", id, strings.Join(trailers, " "))
}

func requestHeaders(r *http.Request) string {
	words := []string{":method=" + inHex(r.Method), ":scheme=" + inHex("http"), ":authority=" + inHex(r.Host), ":path=" + inHex(r.URL.RequestURI())}
	for name, values := range r.Header {
		for _, v := range values {
			words = append(words, strings.ToLower(name)+"="+inHex(v))
		}
	}
	return strings.Join(words, " ")
}

func parseHeaders(tb testing.TB, words []string) (list []engine.Field) {
	tb.Helper()
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		list = append(list, engine.Field{Name: []byte(name), Value: fromHex(tb, value)})
	}
	return list
}
