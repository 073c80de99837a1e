package soak

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// serveNumbers starts an HTTP service that answers with its path, after delay, and
// returns its address.
func serveNumbers(tb testing.TB, delay time.Duration) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(delay):
			_, _ = io.WriteString(w, r.URL.Path[1:])
		case <-r.Context().Done():
		}
	})}
	go func() { _ = s.Serve(l) }()
	tb.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}
