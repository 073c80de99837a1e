package nethost

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// Handler serves requests by calls to an RPC server, one at a time on a connection.
// Connections are kept for later requests unless their response was left open.
type Handler struct {
	Config *engine.Config
	Dial   func() (net.Conn, error)

	mu   sync.Mutex
	idle []net.Conn
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := h.take()
	if err != nil {
		w.Header().Set("x-meltemi-cause", "503 UF upstream_reset_before_response_started{remote_connection_failure}")
		w.Header().Set("grpc-status", "14")
		return
	}
	b := engine.NewBridge(h.Config)
	defer b.Release()
	out, err := request(b, r)
	if err == nil && out.Defer {
		if _, err = conn.Write(out.ToServer); err == nil {
			out = b.Deferred()
		}
	}
	if err == nil && h.exchange(b, conn, w, out) {
		h.give(conn)
	} else {
		_ = conn.Close()
	}
}

// request gives the bridge the request, its body in the parts in which it comes. The
// output is that of the last part: no other has anything for the server.
func request(b *engine.Bridge, r *http.Request) (*engine.BridgeOutput, error) {
	b.Headers(requestFields(r), false)
	buf := make([]byte, 16<<10)
	for {
		n, err := r.Body.Read(buf)
		switch {
		case err == nil:
			b.Data([][]byte{buf[:n]}, false)
		case !errors.Is(err, io.EOF):
			return nil, err
		case len(r.Trailer) > 0:
			b.Data([][]byte{buf[:n]}, false)
			return b.Trailers(), nil
		default:
			return b.Data([][]byte{buf[:n]}, true), nil
		}
	}
}

// exchange runs the call until its response, and reports whether the connection can
// be used again.
func (h *Handler) exchange(b *engine.Bridge, conn net.Conn, w http.ResponseWriter, out *engine.BridgeOutput) bool {
	buf := make([]byte, 16<<10)
	for {
		if _, err := conn.Write(out.ToServer); err != nil {
			return false
		}
		if out.Response != nil {
			respond(w, out.Response)
			return out.Response.End
		}
		n, err := conn.Read(buf)
		out = b.FromServer([][]byte{buf[:n]}, err != nil)
		if err != nil && out.Response == nil {
			return false
		}
	}
}

func respond(w http.ResponseWriter, r *engine.Response) {
	for _, f := range r.Fields {
		w.Header().Add(string(f.Name), string(f.Value))
	}
	for _, f := range r.Trailers {
		w.Header().Add(http.TrailerPrefix+string(f.Name), string(f.Value))
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) //nolint:gosec // the frame of an RPC, for no browser
}

func requestFields(r *http.Request) []engine.Field {
	list := []engine.Field{
		{Name: []byte(":method"), Value: []byte(r.Method)},
		{Name: []byte(":path"), Value: []byte(r.URL.RequestURI())},
	}
	for name, values := range r.Header {
		for _, v := range values {
			list = append(list, engine.Field{Name: []byte(strings.ToLower(name)), Value: []byte(v)})
		}
	}
	return list
}

func (h *Handler) take() (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.idle); n > 0 {
		c := h.idle[n-1]
		h.idle = h.idle[:n-1]
		return c, nil
	}
	return h.Dial()
}

func (h *Handler) give(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.idle = append(h.idle, c)
}

// Close ends the connections that are kept.
func (h *Handler) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.idle {
		_ = c.Close()
	}
	h.idle = nil
}
