package plugin_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	lines "github.com/meltemi-mesh/meltemi/examples/lines/codec"
	parley "github.com/meltemi-mesh/meltemi/examples/parley/codec"
	"github.com/meltemi-mesh/meltemi/examples/parley/frame"
	"github.com/meltemi-mesh/meltemi/plugin"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

// TestMain makes this program a plugin when a test starts it as one. Which codec it
// carries is the environment's.
func TestMain(m *testing.M) {
	switch os.Getenv("PLUGIN_CODEC") {
	case "parley":
		plugin.Serve(parley.Definition())
	case "lines":
		plugin.Serve(lines.Definition())
	case "broken":
		d := parley.Definition()
		d.New = func([]byte) (sdk.Codec, error) { return broken{}, nil }
		plugin.Serve(d)
	case "dubbo":
		plugin.Serve(dubbo.Definition())
	case "none":
		// What says something else than a plugin, and lives on.
		fmt.Println("no plugin")
		time.Sleep(time.Hour)
	default:
		os.Exit(m.Run())
	}
}

// broken panics when it reads a message.
type broken struct{ parley.Codec }

func (broken) Metadata(*sdk.Message) error { panic("a defect of the codec") }

func open(t *testing.T, codec string) *plugin.Client {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PLUGIN_CODEC", codec)
	client, err := plugin.Open(t.Context(), self)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func made(t *testing.T, client *plugin.Client) sdk.Codec {
	t.Helper()
	codec, err := client.Definition().New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

var order = frame.Frame{
	Kind: frame.Request, ID: 7, Service: "shop.Orders", Method: "get", Entries: [][2]string{{"tenant", "blue"}}, Payload: "order",
}

func frames() []sdktest.Frame {
	failure := frame.Frame{Kind: frame.Error, ID: 7, Entries: [][2]string{{"code", "503"}}, Payload: "busy"}
	ping := frame.Frame{Kind: frame.Ping, ID: 3}
	return []sdktest.Frame{
		{Name: "request", Kind: sdk.KindRequest, Method: "get", Bytes: order.Append(nil)},
		{Name: "response", From: sdk.FromServer, Kind: sdk.KindResponse, Native: 503, Bytes: failure.Append(nil)},
		{Name: "heartbeat", Kind: sdk.KindHeartbeat, Bytes: ping.Append(nil)},
	}
}

// TestAPluginDoesNotOutliveItsCommand kills the command, which can then say nothing.
func TestAPluginDoesNotOutliveItsCommand(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("sh", "-c", `"$0" & wait`, self)
	command.Env = append(os.Environ(), "PLUGIN_CODEC=parley", "MELTEMI_PLUGIN=codec")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil { // the plugin's greeting
		t.Fatal(err)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, lines) // until the plugin, which has it too, is gone
		ended <- err
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the plugin goes on")
	}
	_ = command.Wait()
}

// TestACodecIsTheSameFromAfar makes the checks of the kit through both processes: each
// method, with what it reads and writes.
func TestACodecIsTheSameFromAfar(t *testing.T) {
	client := open(t, "parley")
	if d := client.Definition(); d.Name != "parley" || d.Summary == "" {
		t.Errorf("%+v", d)
	}
	sdktest.Run(t, sdktest.Suite{
		Codec: made(t, client), Frames: frames(),
		Only: []string{"decode", "prefixes", "pipelining", "metadata", "unchanged", "changes", "awkward-changes", "replies", "heartbeats", "go-away"},
	})
}

func TestConformanceInItsOwnProcess(t *testing.T) {
	codec := made(t, open(t, "parley"))
	report, err := codec.(plugin.Checker).Conformance(t.Context(), sdktest.Suite{Frames: frames()})
	if err != nil {
		t.Fatal(err)
	}
	if report.Failed() || len(report.Results) != len(sdktest.Checks()) || report.Frames != len(frames()) {
		t.Errorf("%s", report)
	}
	if _, err := codec.(plugin.Checker).Conformance(t.Context(), sdktest.Suite{}); err == nil || !strings.Contains(err.Error(), "builds no requests") {
		t.Errorf("without frames: %v", err)
	}
}

// TestTools compares what tools do with the codec here and there.
func TestTools(t *testing.T) {
	here, err := dubbo.Definition().New(nil)
	if err != nil {
		t.Fatal(err)
	}
	there := made(t, open(t, "dubbo"))
	request := sdk.Request{
		ID: 9, Service: "a.B", Method: "c", Metadata: []sdk.Entry{{Key: []byte("k"), Value: []byte("v")}},
		Arguments: []sdk.Argument{{Type: "java.lang.String", Value: "x"}, {Type: "long", Value: json.Number("5")}},
	}
	exchange := func(c sdk.Codec) (string, string, sdk.View) {
		b, err := c.(sdk.RequestBuilder).BuildRequest(nil, request)
		if err != nil {
			t.Fatal(err)
		}
		m := &sdk.Message{}
		if _, err := c.Decode(sdk.FromClient, b, m); err != nil {
			t.Fatal(err)
		}
		m.Bytes = b
		if err := c.Metadata(m); err != nil {
			t.Fatal(err)
		}
		answer, err := c.(sdk.ResponseBuilder).BuildResponse(nil, m, sdk.Response{Result: map[string]any{"a": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		v, err := c.(sdk.Viewer).View(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(b), string(answer), v
	}
	request1, answer1, view1 := exchange(here)
	request2, answer2, view2 := exchange(there)
	if request1 != request2 || answer1 != answer2 {
		t.Errorf("here %q and %q, there %q and %q", request1, answer1, request2, answer2)
	}
	if a, b := fmt.Sprint(view1), fmt.Sprint(view2); a != b || reflect.ValueOf(view1).IsZero() {
		t.Errorf("here %s, there %s", a, b)
	}
}

func TestPanicsCross(t *testing.T) {
	codec := made(t, open(t, "broken"))
	b := order.Append(nil)
	m := &sdk.Message{}
	if _, err := codec.Decode(sdk.FromClient, b, m); err != nil {
		t.Fatal(err)
	}
	m.Bytes = b
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, "a defect of the codec") {
			t.Errorf("panicked with %q", p)
		}
	}()
	t.Errorf("no panic, but %v", codec.Metadata(m))
}

func TestLongMessages(t *testing.T) {
	codec := made(t, open(t, "parley"))
	long := order
	long.Payload = strings.Repeat("x", 5<<20)
	b := long.Append(nil)
	m := &sdk.Message{}
	if n, err := codec.Decode(sdk.FromClient, append(b, b...), m); err != nil || n != len(b) {
		t.Fatalf("%d of %d, %v", n, len(b), err)
	}
	m.Bytes = b
	if err := codec.Metadata(m); err != nil || string(m.Method) != "get" || &m.Bytes[0] != &b[0] {
		t.Errorf("%v", err)
	}
}

func TestProblems(t *testing.T) {
	client := open(t, "parley")
	if _, err := client.Definition().New([]byte(`{"x": 1}`)); err == nil || !strings.Contains(err.Error(), `unknown field "x"`) {
		t.Errorf("a configuration that is not known: %v", err)
	}
	codec := made(t, client)
	if codec.(sdk.Ordered).InOrder() || !made(t, open(t, "lines")).(sdk.Ordered).InOrder() {
		t.Error("whether order counts did not arrive")
	}
	if _, err := codec.(sdk.Viewer).View(&sdk.Message{}); err == nil || !strings.Contains(err.Error(), "sdk.Viewer") {
		t.Errorf("a view that it has not: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PLUGIN_CODEC", "none")
	for path, want := range map[string]string{self: "plugin " + self + ": ", "/no/such/file": "no such file"} {
		if _, err := plugin.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	client.Close()
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, "the plugin does not answer") {
			t.Errorf("panicked with %q", p)
		}
	}()
	_, err = codec.Decode(sdk.FromClient, []byte("P"), &sdk.Message{})
	t.Errorf("a plugin that is gone answers %v", err)
}
