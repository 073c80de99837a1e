package envoytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// flood is an HTTP/2 client that keeps no rule but the framing.
type flood struct {
	*http2.Framer
	out   bytes.Buffer
	block bytes.Buffer
	hpack *hpack.Encoder
}

// headers opens a stream with a request for a call, whose body is to follow.
func (f *flood) headers(stream uint32, end bool, more ...string) {
	f.block.Reset()
	list := []string{":method", "POST", ":scheme", "http", ":authority", "toy", ":path", "/com.example.Echo/echo", "content-type", "application/grpc+toy", "te", "trailers"}
	for l := append(list, more...); len(l) > 0; l = l[2:] {
		_ = f.hpack.WriteField(hpack.HeaderField{Name: l[0], Value: l[1]})
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.block.Bytes(), EndHeaders: true, EndStream: end})
}

// TestFloodsOfHTTP2 come through the port of the RPC, where HTTP/2 passes to Envoy's own
// handling. Each costs its connection alone, and no memory that lasts.
func TestFloodsOfHTTP2(t *testing.T) {
	floods := map[string]func(f *flood, round int){
		"pings": func(f *flood, _ int) { _ = f.WritePing(false, [8]byte{}) },
		"settings": func(f *flood, _ int) {
			_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
		},
		"resets": func(f *flood, round int) {
			stream := uint32(2*round + 1)
			f.headers(stream, false)
			_ = f.WriteRSTStream(stream, http2.ErrCodeCancel)
		},
		"continuations": func(f *flood, round int) {
			if round == 0 {
				_ = f.WriteRawFrame(http2.FrameHeaders, 0, 1, nil)
			}
			_ = f.WriteContinuation(1, false, make([]byte, 1000))
		},
		"empty data": func(f *flood, round int) {
			if round == 0 {
				f.headers(1, false)
			}
			_ = f.WriteData(1, false, nil)
		},
		"priorities": func(f *flood, round int) {
			_ = f.WritePriority(uint32(2*round+1), http2.PriorityParam{StreamDep: 0, Weight: 1})
		},
	}
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := one(t, version, server)
		neighbour := Dial(t, envoy.Port("rpc"))
		for name, write := range floods {
			if closed, sent := envoy.flood(t, write); !closed {
				t.Errorf("%s: the connection is open after %d bytes", name, sent)
			}
			if got := neighbour.Call(request(1, name)); got.Payload != name {
				t.Fatalf("%s: the neighbour got %+v", name, got)
			}
		}
		if seen := len(server.Seen()); seen != len(floods) {
			t.Errorf("the server got %d calls, want %d", seen, len(floods))
		}
	})
}

// flood sends rounds of frames until the connection is closed.
func (e *Envoy) flood(t *testing.T, write func(f *flood, round int)) (closed bool, sent int) {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", e.Port("rpc")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	gone := make(chan bool)
	go func() { _, _ = io.Copy(io.Discard, conn); close(gone) }()
	f := &flood{}
	f.Framer, f.hpack = http2.NewFramer(&f.out, nil), hpack.NewEncoder(&f.block)
	f.out.WriteString(http2.ClientPreface)
	_ = f.WriteSettings()
	for round := range 200_000 {
		write(f, round)
		if f.out.Len() < 4096 {
			continue
		}
		_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
		n, err := conn.Write(f.out.Bytes())
		if sent += n; err != nil {
			return !errors.Is(err, os.ErrDeadlineExceeded), sent
		}
		f.out.Reset()
	}
	select {
	case <-gone:
		return true, sent
	case <-time.After(5 * time.Second):
		return false, sent
	}
}

// TestUnfinishedBodies has an HTTP/2 client begin hundreds of long requests and end none:
// what the library keeps of them all has a bound, beside that of a single one.
func TestUnfinishedBodies(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		server := Serve(t, Echo)
		envoy := Start(t, version, Library(t), Bootstrap(
			[]any{Listener("rpc", toy, []any{Route("/", "server", nil)}, nil)},
			[]any{unbounded(Bridge("server", toy, server.Port))}), "MELTEMI_MEMORY_LIMIT=64MiB")
		if got := Dial(t, envoy.Port("rpc")).Call(request(1, "x")); got.Payload != "x" {
			t.Fatalf("got %+v", got)
		}
		before := envoy.Memory()
		const calls = 600
		begun := testcodec.Append(nil, request(1, strings.Repeat("x", 2<<20)))[:1<<20]
		a := newAttacker(t, envoy.Port("rpc"))
		never, end := io.Pipe()
		var read sync.WaitGroup
		var wg sync.WaitGroup
		for range calls {
			read.Add(1)
			body := io.MultiReader(bytes.NewReader(begun), &once{Reader: never, first: read.Done})
			wg.Go(func() {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.base+"/com.example.Echo/echo", body)
				if err != nil {
					panic(err)
				}
				req.Header.Set("content-type", "application/grpc+toy")
				if resp, err := a.http.Do(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		}
		read.Wait() // each has sent what it sends
		if grown := (envoy.Memory() - before) >> 20; grown > 300 {
			t.Errorf("%d MiB of unfinished requests took %d MiB", calls, grown)
		}
		got := Dial(t, envoy.Port("rpc")).Call(request(2, "small"))
		if got.Payload != "small" {
			t.Errorf("a small call meanwhile: %+v", got)
		}
		_ = end.CloseWithError(io.ErrUnexpectedEOF)
		wg.Wait()
		large := request(3, strings.Repeat("x", 4<<20))
		for deadline := time.Now().Add(callTimeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if got = Dial(t, envoy.Port("rpc")).Call(large); got.Status == sdk.OK {
				break
			}
		}
		if got.Payload != large.Payload {
			t.Errorf("a large call afterwards: %v %s", got.Status, got.Entry("cause"))
		}
	})
}

// once tells when it is read for the first time.
type once struct {
	io.Reader
	first func()
}

func (o *once) Read(b []byte) (int, error) {
	if o.first != nil {
		o.first()
		o.first = nil
	}
	return o.Reader.Read(b)
}

// unbounded lifts Envoy's bounds of connections to a cluster.
func unbounded(cluster map[string]any) map[string]any {
	cluster["circuit_breakers"] = object{"thresholds": []any{object{"max_connections": 100_000, "max_pending_requests": 100_000}}}
	return cluster
}
