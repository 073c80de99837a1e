package plugin

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/meltemi-mesh/meltemi/plugin/pluginpb"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestCodecsAreReleased looks into the plugin's end: what a command has dropped is dropped
// there too, and what it has not goes on working.
func TestCodecsAreReleased(t *testing.T) {
	s, client := both(t)
	made, err := client.Definition().New(nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := made.(sdk.PerConnection).NewConnection()
	const connections = 20
	for range connections {
		decodeOne(t, made.(sdk.PerConnection).NewConnection())
	}
	if n := s.count(); n > connections+2 || n < 2 {
		t.Fatalf("the plugin has %d codecs", n)
	}
	waitForCount(t, s, 2)
	decodeOne(t, made)
	decodeOne(t, kept)
	runtime.KeepAlive(made)
	runtime.KeepAlive(kept)
	waitForCount(t, s, 0)
}

// both are the two ends of a plugin, in one process.
func both(t *testing.T) (*server, *Client) {
	t.Helper()
	s := newServer(&sdk.Definition{Name: "remembers", New: func([]byte) (sdk.Codec, error) { return remembers{}, nil }})
	ln := bufconn.Listen(1 << 16)
	host := grpc.NewServer()
	pluginpb.RegisterCodecServer(host, s)
	go func() { _ = host.Serve(ln) }()
	t.Cleanup(host.Stop)
	conn, err := grpc.NewClient("passthrough:plugin", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return ln.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return s, &Client{ctx: t.Context(), codec: pluginpb.NewCodecClient(conn), about: &pluginpb.DescribeResponse{Name: "remembers"}}
}

// remembers is a codec with connection state, whose messages are a byte long.
type remembers struct{ sdk.Codec }

func (remembers) NewConnection() sdk.Codec { return &remembers{} }

func (remembers) Decode(sdk.Side, []byte, *sdk.Message) (int, error) { return 1, nil }

func decodeOne(t *testing.T, c sdk.Codec) {
	t.Helper()
	if n, err := c.Decode(sdk.FromClient, []byte("x"), &sdk.Message{}); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.codecs)
}

func waitForCount(t *testing.T, s *server, want int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); s.count() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the plugin has %d codecs, want %d", s.count(), want)
		}
		runtime.GC()
	}
}
