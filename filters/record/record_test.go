package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/codecs/brpc"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/codecs/thrift"
	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

var protocols = []sdk.Definition{brpc.Definition(), dubbo.Definition(), thrift.Definition()}

// recording is the filter with its folder.
type recording struct {
	*filtertest.Host
	t      *testing.T
	filter *recorder
	last   *handler // of the call that began last
	folder string
}

// watched is the filter, which shows its handlers.
type watched struct {
	*recorder

	recording *recording
}

func (w *watched) Begin(c filter.Call) filter.Handler {
	begun := w.recorder.Begin(c)
	w.recording.last, _ = begun.(*handler)
	return begun
}

// start makes the filter with settings beside the folder: `"sample": 1, ...`.
func start(t *testing.T, settings string) *recording {
	t.Helper()
	r := &recording{t: t, folder: t.TempDir()}
	d := Definition()
	d.New = func(config []byte, h filter.Host) (filter.Filter, error) {
		f, err := newFilter(config, h)
		if err != nil {
			return nil, err
		}
		r.filter = f.(*recorder)
		return &watched{r.filter, r}, nil
	}
	if settings != "" {
		settings = "," + settings
	}
	r.Host = filtertest.New(t, d, `{"directory":"`+r.folder+`"`+settings+`}`, filtertest.WithCodecs(protocols...))
	return r
}

// files are the names of the files, in order.
func (r *recording) files() []string {
	r.t.Helper()
	names, err := filepath.Glob(filepath.Join(r.folder, "*"))
	if err != nil {
		r.t.Fatal(err)
	}
	return names
}

// stop ends the filter and returns all calls of its files.
func (r *recording) stop() []*format.Call {
	r.t.Helper()
	r.Close()
	r.filter.writer.begin.Do(func() { close(r.filter.writer.ended) }) // nothing was recorded
	select {
	case <-r.filter.writer.ended:
	case <-time.After(10 * time.Second):
		r.t.Fatal("the writer goes on")
	}
	if n := r.filter.writer.pending.Load(); n != 0 {
		r.t.Errorf("%d bytes are still taken", n)
	}
	var calls []*format.Call
	for _, file := range r.files() {
		b, err := os.ReadFile(file)
		if err != nil {
			r.t.Fatal(err)
		}
		for reader := format.NewReader(bytes.NewReader(b)); ; {
			c, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				r.t.Fatalf("%s: %v", file, err)
			}
			calls = append(calls, c)
		}
	}
	return calls
}

// pair makes a request and its answer.
func pair(t *testing.T, d sdk.Definition, metadata ...string) (request, response []byte) {
	t.Helper()
	var config []byte
	if d.Name == "thrift" && len(metadata) > 0 {
		config = []byte(`{"transport":"theader"}`) // by itself it builds messages without headers
	}
	codec, err := d.New(config)
	if err != nil {
		t.Fatal(err)
	}
	var entries []sdk.Entry
	for i := 0; i+1 < len(metadata); i += 2 {
		entries = append(entries, sdk.Entry{Key: []byte(metadata[i]), Value: []byte(metadata[i+1])})
	}
	request, err = codec.(sdk.RequestBuilder).BuildRequest(nil, sdk.Request{ID: 7, Service: "shop.Orders", Method: "get", Metadata: entries})
	if err != nil {
		t.Fatal(err)
	}
	m := read(t, codec, sdk.FromClient, request)
	response, err = codec.(sdk.ResponseBuilder).BuildResponse(nil, m, sdk.Response{Result: "fine", Metadata: entries})
	if err != nil {
		t.Fatal(err)
	}
	return request, response
}

// read reads a message as a server or client does.
func read(t *testing.T, codec sdk.Codec, from sdk.Side, b []byte) *sdk.Message {
	t.Helper()
	if c, ok := codec.(sdk.PerConnection); ok {
		codec = c.NewConnection()
	}
	m := &sdk.Message{}
	n, err := codec.Decode(from, b, m)
	if err != nil || n != len(b) {
		t.Fatalf("decode: %d of %d, %v", n, len(b), err)
	}
	m.Bytes = b
	if err := codec.Metadata(m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRecordsWhatBothSidesSent(t *testing.T) {
	for _, d := range protocols {
		t.Run(d.Name, func(t *testing.T) {
			r := start(t, "")
			request, response := pair(t, d)
			c := r.Begin(filtertest.Request{
				Codec: d.Name, Service: "shop.Orders", Method: "get", Payload: request, Timeout: 2 * time.Second,
				Metadata: map[string]string{"tenant": "blue"}, Source: "10.0.0.1:5", Destination: "10.0.0.2:6",
				Principal: "spiffe://a", Route: "all", Cluster: "server", Upstream: "10.0.0.3:7",
			})
			r.Advance(30 * time.Millisecond)
			c.Respond(filtertest.Response{Payload: response, Native: 20, Metadata: map[string]string{"zone": "b"}})
			c.End()
			got := r.stop()
			want := &format.Call{
				Time: time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC), LatencyMS: 30, Codec: d.Name, Kind: "request",
				Service: "shop.Orders", Method: "get", TimeoutMS: 2000, Metadata: map[string]string{"tenant": "blue"},
				Source: "10.0.0.1:5", Destination: "10.0.0.2:6", Principal: "spiffe://a", Route: "all", Cluster: "server",
				Upstream: "10.0.0.3:7", Details: "via_upstream",
				Status: &format.Status{Code: "OK", Native: 20}, ResponseMetadata: map[string]string{"zone": "b"},
				Request:  &format.Message{Bytes: len(request), Frame: request},
				Response: &format.Message{Bytes: len(response), Frame: response},
			}
			if len(got) != 1 || text(t, got[0]) != text(t, want) {
				t.Errorf("got  %s\nwant %s", text(t, got...), text(t, want))
			}
			if n := r.Metric("recorded_total"); n != 1 {
				t.Errorf("recorded_total is %d", n)
			}
			info, err := os.Stat(r.files()[0])
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("the file's mode: %v, %v", info.Mode(), err)
			}
		})
	}
}

func text(t *testing.T, calls ...*format.Call) string {
	t.Helper()
	b, err := json.Marshal(calls)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(b), "[]")
}

func TestCallsWithoutAnAnswer(t *testing.T) {
	r := start(t, "")
	r.Begin(filtertest.Request{OneWay: true}).End()
	r.Begin(filtertest.Request{}).End() // whose client goes away
	c := r.Begin(filtertest.Request{})
	c.Respond(filtertest.Response{Cause: sdk.CauseNoRoute, Message: "nowhere"})
	c.End()
	got := r.stop()
	if len(got) != 3 {
		t.Fatalf("%d calls: %s", len(got), text(t, got...))
	}
	if got[0].Kind != format.KindOneWay || got[0].Status != nil || got[1].Kind != format.KindRequest || got[1].Status != nil {
		t.Errorf("without an answer: %s", text(t, got[:2]...))
	}
	if s := got[2].Status; s == nil || s.Cause != "no_route" || s.Message != "nowhere" || got[2].Response != nil {
		t.Errorf("a local reply: %s", text(t, got[2]))
	}
}

func TestChoosesCalls(t *testing.T) {
	for settings, want := range map[string]string{
		``:                                   "Orders/get Orders/put Users/get",
		`"methods": ["Orders/*"]`:            "Orders/get Orders/put",
		`"metadata": {"Tenant": "blue"}`:     "Orders/get",
		`"metadata": {"tenant": "b*"}`:       "Orders/get Orders/put",
		`"metadata": {"tenant": "*"}`:        "Orders/get Orders/put",
		`"metadata": {"tenant": ""}`:         "",
		`"sample": 0`:                        "Users/get", // whose route says 1
		`"sample": 0.5`:                      "Orders/put Users/get",
		`"errors_only": true`:                "Orders/put Users/get",
		`"slower_than": "10ms"`:              "Orders/put",
		`"errors_only":true,"methods":["*"]`: "Orders/put Users/get",
	} {
		r := start(t, settings)
		chances := []float64{0.5, 0.49}
		r.filter.chance = func() float64 {
			p := chances[0]
			chances = chances[1:]
			return p
		}
		c := r.Begin(filtertest.Request{Service: "Orders", Method: "get", Metadata: map[string]string{"tenant": "blue"}})
		r.Advance(9 * time.Millisecond)
		c.Respond(filtertest.Response{})
		c.End()
		c = r.Begin(filtertest.Request{Service: "Orders", Method: "put", Metadata: map[string]string{"tenant": "brown"}})
		r.Advance(10 * time.Millisecond)
		c.Respond(filtertest.Response{Code: sdk.Internal})
		c.End()
		r.Begin(filtertest.Request{Service: "Users", Method: "get", RouteConfig: `{"sample": 1}`}).End()
		var got []string
		for _, c := range r.stop() {
			got = append(got, c.Service+"/"+c.Method)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", settings, got, want)
		}
	}
}

func TestMessagesThatAreLeftOut(t *testing.T) {
	r := start(t, `"max_message_bytes": 100`)
	r.Do(filtertest.Request{Arguments: []any{strings.Repeat("x", 100)}})
	r.Do(filtertest.Request{})
	got := r.stop()
	if m := got[0].Request; m.Omitted != format.OmittedSize || m.Frame != nil || m.Bytes <= 100 {
		t.Errorf("a long message: %+v", m)
	}
	if m := got[1].Request; m.Omitted != "" || len(m.Frame) != m.Bytes {
		t.Errorf("a short message: %+v", m)
	}
	if n := r.Metric("omitted_messages_total", "size"); n != 1 {
		t.Errorf("%d messages are left out, want 1", n)
	}

	r = start(t, `"payload": false`)
	r.Do(filtertest.Request{Metadata: map[string]string{"a": "b"}})
	if got = r.stop(); got[0].Request != nil || got[0].Response != nil || got[0].Metadata["a"] != "b" {
		t.Errorf("without messages: %s", text(t, got...))
	}
}

// TestOverload has more open calls than there is room for. They are served all the same.
func TestOverload(t *testing.T) {
	r := start(t, `"max_pending_bytes": 4096`)
	var open []*filtertest.Call
	for range 5 {
		open = append(open, r.Begin(filtertest.Request{}))
	}
	for _, c := range open {
		c.Respond(filtertest.Response{})
		if c.State() != filtertest.Done {
			t.Errorf("a call is %v", c.State())
		}
		c.End()
	}
	dropped := r.Metric("dropped_total", "overload")
	if got := r.stop(); dropped < 1 || uint64(len(got)) != 5-dropped || r.Metric("recorded_total") != 5-dropped {
		t.Errorf("%d calls are recorded, %d dropped", len(got), dropped)
	}
}

// TestAnOverloadKeepsNothing has calls for whose metadata or message there is no room: what
// is not counted is not held until they end either.
func TestAnOverloadKeepsNothing(t *testing.T) {
	long := strings.Repeat("x", 4096)
	for what, test := range map[string]struct {
		request  filtertest.Request
		response filtertest.Response
	}{
		"metadata":                  {request: filtertest.Request{Metadata: map[string]string{"a": long, "token": secret}}},
		"a secret":                  {request: filtertest.Request{Metadata: map[string]string{"token": long}}},
		"a message":                 {request: filtertest.Request{Arguments: []any{long}, Metadata: map[string]string{"token": secret}}},
		"metadata of the answer":    {response: filtertest.Response{Metadata: map[string]string{"a": long}}},
		"the message of the answer": {response: filtertest.Response{Result: long}},
	} {
		r := start(t, `"max_pending_bytes": 4096, "redact": ["token"]`)
		c := r.Begin(test.request)
		c.Respond(test.response)
		h := r.last
		if !h.overload || h.held != 0 || !reflect.DeepEqual(h.call, format.Call{}) || len(h.keys)+len(h.secrets) > 0 {
			t.Errorf("%s: %d bytes counted, holding %s, %q, %q", what, h.held, text(t, &h.call), h.keys, h.secrets)
		}
		c.End()
		if got := r.stop(); len(got) > 0 || r.Metric("dropped_total", "overload") != 1 {
			t.Errorf("%s: recorded %s", what, text(t, got...))
		}
	}
}

// TestAFullQueue has a writer that does not get on.
func TestAFullQueue(t *testing.T) {
	r := start(t, "")
	stuck := make(chan struct{})
	w := r.filter.writer
	w.begin.Do(func() {
		go func() {
			<-stuck
			w.run()
		}()
	})
	for range queueCalls + 3 {
		r.Do(filtertest.Request{})
	}
	if n := r.Metric("dropped_total", "overload"); n != 3 {
		t.Errorf("%d calls are dropped, want 3", n)
	}
	close(stuck)
	if n := len(r.stop()); n != queueCalls {
		t.Errorf("%d calls are recorded, want %d", n, queueCalls)
	}
}
