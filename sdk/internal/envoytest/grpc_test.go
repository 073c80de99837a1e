package envoytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// plainBytes is a codec of messages that are bytes.
type plainBytes struct{}

func (plainBytes) Name() string { return "proto" }

func (plainBytes) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (plainBytes) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), b...)
	return nil
}

// grpcServer is a server of gRPC's own implementation in Go.
type grpcServer struct {
	port              int
	silent, cancelled atomic.Int64 // calls of Silence: begun, and reset by the client
	deadlines         atomic.Int64 // calls that told how long their client waits
}

func serveRealGRPC(t *testing.T) *grpcServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &grpcServer{port: l.Addr().(*net.TCPAddr).Port}
	s := grpc.NewServer(grpc.ForceServerCodec(plainBytes{}), grpc.UnknownServiceHandler(g.serve), grpc.MaxSendMsgSize(1<<30))
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return g
}

func (g *grpcServer) serve(_ any, stream grpc.ServerStream) error {
	var message []byte
	if err := stream.RecvMsg(&message); err != nil {
		return err
	}
	ctx := stream.Context()
	if _, ok := ctx.Deadline(); ok {
		g.deadlines.Add(1)
	}
	in, _ := metadata.FromIncomingContext(ctx)
	headers := metadata.Pairs("x-check", strings.Join(in.Get("x-method"), ","))
	stream.SetTrailer(metadata.Pairs("x-trailer", "at the end"))
	name, _ := grpc.MethodFromServerStream(stream)
	switch name {
	case "/check.Check/Echo":
		_ = stream.SetHeader(headers)
		return stream.SendMsg(&message)
	case "/check.Check/Fail": // by trailers alone
		return status.Error(codes.NotFound, string(message))
	case "/check.Check/FailLate":
		_ = stream.SendHeader(headers)
		return status.Error(codes.NotFound, string(message))
	case "/check.Check/Long":
		message = make([]byte, filter.MaxGRPCMessage)
		return stream.SendMsg(&message)
	case "/check.Check/TooLong":
		message = make([]byte, filter.MaxGRPCMessage+1)
		return stream.SendMsg(&message)
	case "/check.Check/Twice":
		_ = stream.SendMsg(&message)
		return stream.SendMsg(&message)
	case "/check.Check/None":
		return nil
	case "/check.Check/Silence":
		g.silent.Add(1)
		<-ctx.Done()
		if context.Cause(ctx) == context.Canceled {
			g.cancelled.Add(1)
		}
		return ctx.Err()
	}
	return status.Error(codes.Unimplemented, name)
}

// serveBrokenGRPC is a server that breaks off, answers like any web server, or not in HTTP/2.
func serveBrokenGRPC(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/check.Check/Half":
			w.Header().Set("content-type", "application/grpc")
			_, _ = w.Write([]byte{0, 0, 0, 0, 9, 'h'})
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/check.Check/Nothing":
			panic(http.ErrAbortHandler)
		}
		http.NotFound(w, r)
	})}
	s.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// withGRPC starts an Envoy with the probe, and these servers of gRPC behind clusters.
func withGRPC(t *testing.T, version string, g *grpcServer) *Envoy {
	t.Helper()
	server := Serve(t, Echo)
	return withProbe(t, version, "", []any{Route("/", "server", nil)}, []any{
		Bridge("server", toy, server.Port), HTTP2("grpc", g.port), HTTP2("broken", serveBrokenGRPC(t)),
		HTTP2("hostless"), HTTP2("down", ClosedPort(t)), HTTP2("http1", ServeCheck(t)),
	}, nil)
}

// TestFilterMakesGRPCCalls has a real server answer in each way, in Request and in Response.
func TestFilterMakesGRPCCalls(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		g := serveRealGRPC(t)
		envoy := withGRPC(t, version, g)
		client := Dial(t, envoy.Port("rpc"))
		for i, c := range []struct{ call, noted, refused string }{
			{"grpc,Echo=hello", `OK "" echo at the end hello`, ""},
			{"grpc,Echo=", `OK "" echo at the end `, ""},
			{"grpc,Fail=50 % of it", `NOT_FOUND "50 % of it"  at the end `, ""},
			{"grpc,FailLate=ü", `NOT_FOUND "ü" echo at the end `, ""},
			{"grpc,Absent=x", `UNIMPLEMENTED "/check.Check/Absent"  at the end `, ""},
			{"grpc,TooLong=x", "", "RESOURCE_EXHAUSTED cluster grpc: /check.Check/TooLong: a message of 4194305 bytes is over the limit of 4194304"},
			{"grpc,Twice=x", "", "INTERNAL cluster grpc: /check.Check/Twice: the answer has more than one message"},
			{"grpc,None=x", "", "INTERNAL cluster grpc: /check.Check/None: the answer has no message"},
			{"grpc,Silence@100ms=x", "", "DEADLINE_EXCEEDED cluster grpc: /check.Check/Silence: no answer within the limit"},
			{"nowhere,Echo=x", "", "UNAVAILABLE cluster nowhere: /check.Check/Echo: the call could not be begun"},
			{"hostless,Echo=x", "", "UNAVAILABLE cluster hostless: /check.Check/Echo: the call could not be begun"},
			{"broken,Half=x", "", "UNAVAILABLE cluster broken: /check.Check/Half: the connection broke"},
			{"broken,Nothing=x", `UNAVAILABLE "upstream connect error or disconnect/reset before headers`, ""},
			{"broken,Page=x", "", "UNIMPLEMENTED cluster broken: /check.Check/Page: HTTP status 404 is no answer of gRPC"},
			{"down,Echo=x", `UNAVAILABLE "upstream connect error or disconnect/reset before headers`, ""},
			{"http1,Echo=x", `UNAVAILABLE "upstream connect error or disconnect/reset before headers`, ""},
			{"grpc,Echo=still there", `OK "" echo at the end still there`, ""},
		} {
			for _, way := range []string{"request", "response"} {
				request, response := "grpc:"+c.call, ""
				if way == "response" {
					request, response = "", "grpc:"+c.call
				}
				got := client.Call(Told(uint64(i), request, response))
				if c.refused != "" && (!strings.HasPrefix(got.Payload, c.refused) || got.Entry("cause") != "denied") ||
					c.refused == "" && (!strings.HasPrefix(got.Entry("grpc"), c.noted) || got.Payload != "hello") {
					t.Errorf("%s in %s:\n got %q %.200q\nwant %q %q", c.call, way, got.Entry("grpc"), got.Payload, c.noted, c.refused)
				}
			}
		}
		if g.deadlines.Load() < 10 {
			t.Errorf("%d calls told the server how long they wait", g.deadlines.Load())
		}
		envoy.Eventually("cluster.grpc.upstream_rq_active", 0)
		envoy.Eventually("cluster.broken.upstream_rq_active", 0)
		if strings.Contains(envoy.Log(), "panic in") {
			t.Errorf("%s", envoy.Log())
		}
	})
}

// TestFilterTakesTheLongestGRPCMessage takes an answer of MaxGRPCMessage bytes.
func TestFilterTakesTheLongestGRPCMessage(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		envoy := withGRPC(t, version, serveRealGRPC(t))
		got := Dial(t, envoy.Port("rpc")).Call(Told(1, "grpc-length:grpc,Long=x", ""))
		if want := fmt.Sprint("OK ", filter.MaxGRPCMessage); got.Entry("grpc") != want {
			t.Errorf("%q %.200q, want %q", got.Entry("grpc"), got.Payload, want)
		}
	})
}

// TestFilterCancelsGRPCCalls has clients leave while their calls wait for a gRPC call, and
// the limit of one pass: the server sees that nobody waits any more.
func TestFilterCancelsGRPCCalls(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		g := serveRealGRPC(t)
		envoy := withGRPC(t, version, g)
		for n, c := range []testcodec.Message{
			Told(1, "grpc:grpc,Silence@1m=x", ""), Told(2, "", "grpc:grpc,Silence@1m=x"),
		} {
			client := Dial(t, envoy.Port("rpc"))
			client.Send(c)
			reaches(t, "calls that wait", &g.silent, int64(n+1))
			_ = client.Close()
			reaches(t, "calls that were cancelled", &g.cancelled, int64(n+1))
		}
		envoy.Eventually("cluster.grpc.upstream_rq_active", 0)
		envoy.Eventually(probeStat("open"), 0)

		if got := Dial(t, envoy.Port("rpc")).Call(Told(3, "grpc:grpc,Silence@50ms=x", "")); got.Entry("cause") != "denied" {
			t.Errorf("%+v", got)
		}
		envoy.Eventually("cluster.grpc.upstream_rq_active", 0)
	})
}

func reaches(t *testing.T, what string, n *atomic.Int64, want int64) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); n.Load() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d %s, want %d", n.Load(), what, want)
		}
	}
}

// TestFilterMakesManyGRPCCalls has many calls wait at once, each for two gRPC calls of its
// own: each gets what is its.
func TestFilterMakesManyGRPCCalls(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		envoy := withGRPC(t, version, serveRealGRPC(t))
		const clients, calls = 8, 50
		var wg sync.WaitGroup
		for n := range clients {
			client := Dial(t, envoy.Port("rpc"))
			wg.Go(func() {
				for i := range uint64(calls) {
					client.Send(Told(i, fmt.Sprintf("grpc:grpc,Fail=first;grpc:grpc,Echo=%d-%d", n, i), fmt.Sprintf("set:seen=%d-%d;grpc:grpc,Echo=%d-%d", n, i, n, i)))
				}
				for range calls {
					got := client.Next()
					own := fmt.Sprintf("%d-%d", n, got.ID)
					if got.Entry("grpc") != `OK "" echo at the end `+own || got.Entry("seen") != own || got.Payload != "hello" {
						t.Errorf("call %s: %+v", own, got)
					}
				}
			})
		}
		wg.Wait()
		envoy.Eventually("cluster.grpc.upstream_rq_active", 0)
		if n := envoy.Stat("cluster.grpc.upstream_rq_total"); n != 3*clients*calls {
			t.Errorf("%d gRPC calls, want %d", n, 3*clients*calls)
		}
	})
}
