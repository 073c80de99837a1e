package nethost

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// Handler serves requests by calls to an RPC server, one at a time on a connection.
// Connections are kept for later requests unless their response was left open.
type Handler struct {
	Config *engine.Config
	// Dial opens a connection. Where it has a method Closed() bool, one that is closed is
	// not used again.
	Dial func(ctx context.Context) (net.Conn, error)
	// Count is told of each change of a metric, on any goroutine; nil: nobody is.
	Count func(m engine.Metric, delta int)
	// IdleLimit is how long a connection is kept that nobody uses; 0: a minute.
	IdleLimit time.Duration

	mu    sync.Mutex
	idle  []idle      // the last used one is the last
	timer *time.Timer // of the first's age; nil: none is kept
}

// idle is a connection that is kept for later requests.
type idle struct {
	net.Conn
	since time.Time
}

const (
	maxIdle          = 64 // connections that are kept
	defaultIdleLimit = time.Minute
)

// ServeHTTP implements http.Handler. The request's context and its grpc-timeout end the
// call, at the price of its connection.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if limit := engine.ParseTimeout([]byte(r.Header.Get("grpc-timeout"))); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	conn, err := h.take(ctx)
	if err != nil && ctx.Err() != nil {
		lost(ctx, w)
		return
	}
	if err != nil {
		Refuse(w, "503 UF upstream_reset_before_response_started{remote_connection_failure}", sdk.Unavailable, "")
		return
	}
	// Whoever waits for the server is told so when the context ends.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	b := engine.NewBridge(h.Config)
	defer b.Release()
	out, err := request(b, r)
	if err == nil && out.Defer {
		h.counted(out)
		if _, err = conn.Write(out.ToServer); err == nil {
			out = b.Deferred()
		}
	}
	if err != nil {
		lost(ctx, w)
	}
	again := err == nil && h.exchange(ctx, b, conn, w, out)
	if stop() && again {
		h.give(conn)
	} else {
		_ = conn.Close()
	}
}

// maxText is how much of an error's text is told.
const maxText = 1024

// Refuse answers with an error in the words of Envoy: cause is what its local replies
// have in x-meltemi-cause, text the message.
func Refuse(w http.ResponseWriter, cause string, code sdk.Code, text string) {
	w.Header().Set("x-meltemi-cause", cause)
	w.Header().Set("grpc-status", strconv.Itoa(int(code)))
	if text != "" {
		w.Header().Set("grpc-message", url.PathEscape(text[:min(len(text), maxText)]))
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

func (h *Handler) counted(out *engine.BridgeOutput) {
	if h.Count != nil {
		out.Counts.Each(h.Count)
	}
}

// exchange runs the call until its response, and reports whether the connection can
// be used again.
func (h *Handler) exchange(ctx context.Context, b *engine.Bridge, conn net.Conn, w http.ResponseWriter, out *engine.BridgeOutput) bool {
	buf := make([]byte, 16<<10)
	for {
		h.counted(out)
		if _, err := conn.Write(out.ToServer); err != nil {
			lost(ctx, w)
			return false
		}
		if out.Response != nil {
			respond(w, out.Response)
			return out.Response.End
		}
		n, err := conn.Read(buf)
		out = b.FromServer([][]byte{buf[:n]}, err != nil)
		if err != nil && out.Response == nil || ctx.Err() != nil {
			lost(ctx, w)
			return false
		}
	}
}

// lost answers for a server that has gone away, or whose time is over. It may have begun
// the call.
func lost(ctx context.Context, w http.ResponseWriter) {
	if ctx.Err() != nil {
		Refuse(w, "504 UT response_timeout", sdk.DeadlineExceeded, "")
		return
	}
	Refuse(w, "503 UC upstream_reset_before_response_started{connection_termination}", sdk.Unknown, "")
}

func respond(w http.ResponseWriter, r *engine.Response) {
	for _, f := range r.Fields {
		w.Header().Add(string(f.Name), string(f.Value))
	}
	for _, f := range r.Trailers {
		w.Header().Add(http.TrailerPrefix+string(f.Name), string(f.Value))
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body)
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

func (h *Handler) take(ctx context.Context) (net.Conn, error) {
	for {
		h.mu.Lock()
		n := len(h.idle)
		if n == 0 {
			h.mu.Unlock()
			return h.Dial(ctx)
		}
		c := h.idle[n-1].Conn
		h.idle = h.idle[:n-1]
		h.mu.Unlock()
		if !closed(c) {
			return c, nil
		}
		_ = c.Close()
	}
}

func closed(c net.Conn) bool {
	known, ok := c.(interface{ Closed() bool })
	return ok && known.Closed()
}

func (h *Handler) give(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.idle) >= maxIdle {
		_ = c.Close()
		return
	}
	h.idle = append(h.idle, idle{c, time.Now()})
	if h.timer == nil {
		h.timer = time.AfterFunc(h.idleLimit(), h.age)
	}
}

func (h *Handler) idleLimit() time.Duration { return cmp.Or(h.IdleLimit, defaultIdleLimit) }

// age ends the connections that nobody has used for too long, on the timer's goroutine,
// and comes again for the others.
func (h *Handler) age() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.idle) > 0 {
		left := h.idleLimit() - time.Since(h.idle[0].since)
		if left > 0 {
			h.timer = time.AfterFunc(left, h.age)
			return
		}
		_ = h.idle[0].Close()
		h.idle = slices.Delete(h.idle, 0, 1)
	}
	h.timer = nil
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
