package envoytest

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
)

// ServeGRPC starts the gRPC server that the checks want behind the cluster "grpc". (There
// is a real one in grpc_test.go: this one is for all hosts, with nothing but Go.)
func ServeGRPC(t testing.TB) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(checkGRPC), Protocols: new(http.Protocols)}
	s.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

func checkGRPC(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) < 5 || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 ||
		r.Header.Get("te") != "trailers" || r.Header.Get("grpc-timeout") == "" || r.Header.Get("grpc-status") != "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("content-type", "application/grpc")
	w.Header().Set(http.TrailerPrefix+"x-trailer", "at the end")
	switch r.URL.Path {
	case "/check.Check/Echo":
		w.Header().Set("x-check", r.Header.Get("x-method"))
		w.Header().Set(http.TrailerPrefix+"grpc-status", "0")
		_, _ = w.Write(body)
	case "/check.Check/Fail":
		w.Header().Set(http.TrailerPrefix+"grpc-status", "5")
		w.Header().Set(http.TrailerPrefix+"grpc-message", url.PathEscape(string(body[5:])))
	case "/check.Check/Silence":
		<-r.Context().Done()
	}
}
