package contrib

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"
	envoyhttp "github.com/envoyproxy/envoy/contrib/golang/filters/http/source/go/pkg/http"
	"github.com/envoyproxy/envoy/contrib/golang/filters/network/source/go/pkg/network"
	"golang.org/x/net/http2"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/nethost"
)

// pluginName is the plugin of the network filter, and the plugin of the HTTP filter that
// shows what it counts.
const pluginName = "meltemi"

func registerNetwork() {
	network.SetCgoAPI(networkAPI{})
	network.RegisterNetworkFilterConfigParser(networkParser{})
	network.RegisterNetworkFilterConfigFactory(pluginName, networkFactory{})
	envoyhttp.RegisterHttpFilterFactoryAndConfigParser(pluginName, newPassing, countsParser{})
}

// networkFactory makes network filters; network.ConfigFactory.
type networkFactory struct{}

// CreateFactoryFromConfig implements network.ConfigFactory.
func (networkFactory) CreateFactoryFromConfig(config any) network.FilterFactory {
	c, ok := config.(*networkConfig)
	if !ok {
		c = &networkConfig{err: fmt.Errorf("a connection came with a %T for its configuration", config)}
	}
	return c
}

// downstream is a client's connection; api.DownstreamFilter. Envoy's Go package frees
// Envoy's object when nobody refers to this one, so the connection must not refer to it,
// and whoever uses the connection must.
type downstream struct {
	config *networkConfig
	conn   *conn
}

// CreateFilter implements network.FilterFactory.
func (c *networkConfig) CreateFilter(envoy api.ConnectionCallback) api.DownstreamFilter {
	return &downstream{config: c, conn: newConn(envoy, c.limit)}
}

// OnNewConnection implements api.DownstreamFilter.
func (d *downstream) OnNewConnection() api.FilterStatus {
	defer barrier("a new connection", nil)
	if d.config.err != nil {
		logf(api.Error, "%s: refused, for the network filter's configuration is wrong: %v", d.conn.remote, d.config.err)
		_ = d.conn.Close()
		return api.NetworkFilterStopIteration
	}
	go d.serve()
	return api.NetworkFilterContinue
}

// OnData implements api.DownstreamFilter. This filter is the last.
func (d *downstream) OnData(b []byte, end bool) api.FilterStatus {
	defer barrier("bytes of a client", nil)
	d.conn.feed(b, end)
	return api.NetworkFilterStopIteration
}

// OnWrite implements api.DownstreamFilter.
func (*downstream) OnWrite([]byte, bool) api.FilterStatus { return api.NetworkFilterContinue }

// OnEvent implements api.DownstreamFilter.
func (d *downstream) OnEvent(event api.ConnectionEvent) {
	defer barrier("the end of a connection", nil)
	if event == api.LocalClose || event == api.RemoteClose {
		d.conn.gone()
	}
}

// serve is the connection's goroutine.
func (d *downstream) serve() {
	defer runtime.KeepAlive(d)
	defer func() { _ = d.conn.Close() }()
	defer barrier("a connection", nil)
	var err error
	switch c := d.config; {
	case c.http2 != "":
		err = d.toHTTP2()
	case c.forward:
		err = d.through(d.handler())
	default:
		serveHTTP2(d.conn, c.handler)
	}
	if err != nil {
		logf(api.Info, "%s: %v", d.conn.remote, err)
	}
}

// toHTTP2 joins the client with a listener of HTTP/2. Where there is none, the client
// gets errors of its protocol.
func (d *downstream) toHTTP2() error {
	ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
	defer cancel()
	manager, err := dial(ctx, d.config.http2, d.config.limit)
	if err != nil {
		logf(api.Error, "%v", err)
		return d.through(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			nethost.Refuse(w, "503 UF upstream_reset_before_response_started{remote_connection_failure}", sdk.Unavailable, "")
		}))
	}
	return nethost.Client(d.config.codec, d.conn, manager, counts.add)
}

// through joins the client with a handler of HTTP requests.
func (d *downstream) through(h http.Handler) error {
	near, far := net.Pipe()
	go func() {
		defer barrier("an HTTP/2 server", func() { _ = far.Close() })
		serveHTTP2(far, h)
	}()
	return nethost.Client(d.config.codec, d.conn, near, counts.add)
}

// maxStreams is how many calls of a connection are open at once; more wait.
const maxStreams = 1000

// serveHTTP2 serves HTTP/2 until the connection ends.
func serveHTTP2(c net.Conn, h http.Handler) {
	s := http2.Server{MaxConcurrentStreams: maxStreams}
	s.ServeConn(c, &http2.ServeConnOpts{Handler: h})
}

// handler is the way of a call through the filters to the server.
func (d *downstream) handler() http.Handler {
	h := http.Handler(d.config.handler)
	for _, f := range slices.Backward(d.config.filters) {
		h = &nethost.Filter{
			Config: f, Next: h,
			Source: d.conn.remote.String(), Destination: d.conn.local.String(),
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(strings.ToLower(name), "x-rpc-local-") {
				r.Header.Del(name) // a peer that speaks HTTP/2 itself must not set it
			}
		}
		h.ServeHTTP(w, r)
	})
}
