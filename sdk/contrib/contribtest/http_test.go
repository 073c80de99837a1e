package contribtest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	xds "github.com/cncf/xds/go/xds/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/envoytest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// next is what happens to a request next.
func (h *host) next(id int) event {
	h.t.Helper()
	select {
	case e, ok := <-h.object("request " + strconv.Itoa(id)):
		if !ok {
			h.t.Fatalf("the host has ended:\n%s", h.err)
		}
		return e
	case <-time.After(20 * time.Second):
		h.t.Fatalf("nothing happens to request %d\n%s", id, h.err)
	}
	return event{}
}

// want is next where that is known.
func (h *host) want(id int, what string) event {
	h.t.Helper()
	e := h.next(id)
	if e.what != what {
		h.t.Fatalf("%s %v comes of request %d, want %s\n%s", e.what, e.words, id, what, h.err)
	}
	return e
}

// begin gives the headers of a request to the filter "probe".
func (h *host) begin(id int, config string, end bool, pairs ...string) {
	h.t.Helper()
	h.tell("request %d %s probe", id, config)
	h.headers(id, end, pairs...)
}

// headers are what begin gives.
func (h *host) headers(id int, end bool, pairs ...string) {
	h.t.Helper()
	words := []string{}
	for name, value := range withDefaults(pairs) {
		words = append(words, name+"="+inHex(value))
	}
	h.tell("request-headers %d %s %s", id, map[bool]string{false: "0", true: "1"}[end], strings.Join(words, " "))
}

func withDefaults(pairs []string) map[string]string {
	all := map[string]string{
		":method": "POST", ":scheme": "http", ":authority": "toy", ":path": "/Orders/get", "content-type": "application/grpc+toy", "te": "trailers",
	}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

// header is a header of an event.
func header(t *testing.T, e event, name string) string {
	t.Helper()
	for _, f := range parseHeaders(t, e.words[1:]) {
		if string(f.Name) == name {
			return string(f.Value)
		}
	}
	return ""
}

// over ends a request.
func (h *host) over(id int) {
	h.t.Helper()
	h.tell("end %d", id)
	h.want(id, "destroyed")
	h.collects()
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	h := startHost(t)
	for _, c := range []struct{ plugin, config, want string }{
		{"probe", text(t, `{"confg":{}}`), `unknown field "confg"`},
		{"probe", text(t, `{"config":{"typo":1}}`), `filter probe: configuration: json: unknown field "typo"`},
		{"needs-http", text(t, `{}`), `filter needs-http needs "http", which this host cannot do`},
		{"needs-grpc", text(t, `{}`), `filter needs-grpc needs "grpc", which this host cannot do`},
		{"probe", inAny(t, wrapperspb.Bool(true)), "configuration of type type.googleapis.com/google.protobuf.BoolValue: it must be google.protobuf.StringValue"},
	} {
		if got := h.ask("config %s %s", c.plugin, c.config); got[0] != "refused" {
			t.Errorf("%s: %v", c.want, got)
		}
		if !h.err.holds(c.want) {
			t.Errorf("the log lacks %q:\n%s", c.want, h.err)
		}
	}
}

// TestSettings gives a configuration in each of the forms that Envoy's can have.
func TestSettings(t *testing.T) {
	h := startHost(t)
	all, err := structpb.NewStruct(map[string]any{"config": map[string]any{"mark": "of the filter", "all": true}})
	if err != nil {
		t.Fatal(err)
	}
	for i, message := range []proto.Message{
		wrapperspb.String(`{"config":{"mark":"of the filter","all":true}}`), &xds.TypedStruct{Value: all}, all,
	} {
		h.begin(i, h.must(h.ask("config probe %s", inAny(t, message))), false)
		h.want(i, "rerouted")
		if got := header(t, h.want(i, "request-headers"), "x-rpc-mark"); got != "of the filter" {
			t.Errorf("%T: the mark is %q", message, got)
		}
		h.over(i)
	}
}

// TestRouteThatCannotBeRead: Envoy would end the process for it.
func TestRouteThatCannotBeRead(t *testing.T) {
	h := startProbe(t, hosttest.Setup{})
	route := h.must(h.ask("route probe %s", text(t, `{"typo":1}`)))
	h.routes["Bad"] = h.must(h.ask("merge probe %s %s", h.config, route))
	r := h.Do(t, hosttest.Call{Service: "Bad", Method: "get"})
	if r.Reached || r.Cause != "internal" || !strings.Contains(r.Payload, `unknown field "typo"`) {
		t.Errorf("got %+v", r)
	}
	if r = h.Do(t, hosttest.Call{Service: "Good", Method: "get"}); !r.Reached {
		t.Errorf("got %+v", r)
	}
}

// TestRoutesDoNotClose: the filter is that of all routes, and outlives each of them.
func TestRoutesDoNotClose(t *testing.T) {
	h := startHost(t)
	config := h.must(h.ask("config probe %s", text(t, `{}`)))
	route := h.must(h.ask("route probe %s", text(t, `{"mark":"of the route"}`)))
	merged := h.must(h.ask("merge probe %s %s", config, route))
	h.tell("drop %s", merged)
	h.tell("drop %s", route)
	h.begin(0, config, false, "x-rpc-do", "set:a=b")
	h.want(0, "rerouted")
	h.want(0, "request-headers")
	h.over(0)
	if strings.Contains(h.err.String(), probe.Closed) {
		t.Error("the end of a route has closed the filter")
	}
	h.tell("drop %s", config)
	if !h.err.holds(probe.Closed) {
		t.Error("the filter was not closed")
	}
}

// TestPrincipal is who the certificate names: URI before DNS name before subject.
func TestPrincipal(t *testing.T) {
	h := startProbe(t, hosttest.Setup{})
	for _, c := range []struct {
		facts map[int]string
		want  string
	}{
		{map[int]string{}, ""},
		{map[int]string{factTLS: "1"}, ""},
		{map[int]string{factTLS: "1", factSubject: "CN=x"}, "CN=x"},
		{map[int]string{factTLS: "1", factSubject: "CN=x", factDNS: "a.example"}, "a.example"},
		{map[int]string{factTLS: "1", factSubject: "CN=x", factDNS: "a.example", factURI: "spiffe://td/sa"}, "spiffe://td/sa"},
	} {
		for number := range h.facts {
			if number >= factTLS {
				delete(h.facts, number)
			}
		}
		maps.Copy(h.facts, c.facts)
		r := h.Do(t, hosttest.Call{Service: "Orders", Method: "get", Request: "go:10s,1ms;facts"})
		if want := "route=all cluster=server mark= source=true destination=true principal=" + c.want; !strings.HasSuffix(r.Metadata["facts"], want) {
			t.Errorf("%q, want ...%q", r.Metadata["facts"], want)
		}
	}
}

// TestNotes sets dynamic metadata and a local entry, at once and after a wait.
func TestNotes(t *testing.T) {
	h := startHost(t)
	config := h.must(h.ask("config probe %s", text(t, `{}`)))
	for i, do := range []string{"note:who=me;local:class=gold", "go:10s,1ms;note:who=me;local:class=gold"} {
		h.begin(i, config, false, "x-rpc-do", do)
		for _, want := range []*structpb.Value{structpb.NewStringValue("me"), structpb.NewNumberValue(7)} {
			e := h.want(i, "note")
			var got structpb.Value
			if err := proto.Unmarshal(fromHex(t, e.words[2]), &got); err != nil || !proto.Equal(&got, want) || string(fromHex(t, e.words[0])) != "probe" {
				t.Errorf("%v: %v %v, want %v", err, e.words, &got, want)
			}
		}
		h.want(i, "rerouted")
		if got := header(t, h.want(i, "request-headers"), "x-rpc-local-class"); got != "gold" {
			t.Errorf("the class is %q", got)
		}
		h.over(i)
	}
}

// TestOtherRequests: what is no call is none of a filter's business.
func TestOtherRequests(t *testing.T) {
	h := startHost(t)
	config := h.must(h.ask("config probe %s", text(t, `{"config":{"all":true,"payload":true}}`)))
	for i, contentType := range []string{"application/json", "application/grpc", "application/grpc+other"} {
		h.begin(i, config, false, "content-type", contentType)
		h.want(i, "request-headers")
		h.tell("request-data %d 0 %s", i, inHex("part"))
		h.want(i, "request-data")
		h.tell("request-trailers %d x-last=%s", i, inHex("1"))
		h.want(i, "request-trailers")
		h.tell("response-headers %d 0 :status=%s", i, inHex("200"))
		h.want(i, "response-headers")
		h.tell("response-data %d 1 %s", i, inHex("part"))
		h.want(i, "response-data")
		h.over(i)
	}
	if got := h.ask("metric meltemi_probe_requests_total"); got[1] != "0" {
		t.Errorf("%v", got)
	}
}

// TestRequestsThatNobodySends have trailers, no body, or a path that is none.
func TestRequestsThatNobodySends(t *testing.T) {
	h := startHost(t)
	config := h.must(h.ask("config probe %s", text(t, `{"config":{"all":true,"payload":true}}`)))
	refused := func(id int, want string) {
		t.Helper()
		h.want(id, "local")
		e := h.want(id, "response-headers")
		if got := header(t, e, "x-meltemi-cause"); got != want {
			t.Errorf("request %d: %q, want %q", id, got, want)
		}
		h.over(id)
	}
	h.begin(0, config, false)
	h.tell("request-data 0 0 %s", inHex("part"))
	h.tell("request-trailers 0 x-last=%s", inHex("1"))
	refused(0, "400 - meltemi_malformed[probe]")
	h.begin(1, config, false)
	h.tell("request-trailers 1 x-last=%s", inHex("1"))
	refused(1, "400 - meltemi_malformed[probe]")
	h.begin(2, config, false, ":path", "/a/b/../c")
	refused(2, "400 - meltemi_malformed[probe]")
	h.begin(3, config, true)
	h.want(3, "request-headers")
	h.over(3)
	// More than Envoy's buffer holds.
	h.begin(4, config, false)
	part := inHex(strings.Repeat("x", 600_000))
	h.tell("request-data 4 0 %s", part)
	h.tell("request-data 4 0 %s", part)
	refused(4, "413 - ")
}

// TestClientGone: a call that waits dies with its request, and ends once, also where Envoy
// writes no log.
func TestClientGone(t *testing.T) {
	h := startHost(t)
	config := h.must(h.ask("config probe %s", text(t, `{}`)))
	for i, command := range []string{"end", "destroy"} {
		h.begin(i, config, false, "x-rpc-do", "go:1h,1h")
		h.tell("%s %d", command, i)
		h.want(i, "destroyed")
		h.collects()
		if got := h.ask("metric meltemi_probe_ends_total.method.get.code.none"); got[1] != strconv.Itoa(i+1) {
			t.Errorf("%s: %v", command, got)
		}
	}
	if got := h.ask("metric meltemi_probe_open"); got[1] != "0" {
		t.Errorf("%v are open", got)
	}
}

// TestDefectAfterAWait: a call with which this host cannot go on fails, and is not held for
// ever.
func TestDefectAfterAWait(t *testing.T) {
	h := startHost(t)
	config := h.must(h.ask("config probe %s", text(t, `{}`)))
	for id, key := range []string{"x-rpc-do", "x-rpc-do-response"} {
		response := id == 1
		h.tell("request %d %s probe", id, config)
		if !response {
			h.tell("lock %d", id)
		}
		h.headers(id, false, key, "go:10s,1ms;set:a=b")
		if response {
			h.want(id, "request-headers")
			h.tell("lock %d", id)
			h.tell("response-headers %d 1 :status=%s grpc-status=%s", id, inHex("200"), inHex("0"))
		}
		h.want(id, "local")
		if got, want := header(t, h.want(id, "response-headers"), "x-meltemi-cause"), "500 - meltemi_internal[probe]"; got != want {
			t.Errorf("response %t: %q, want %q", response, got, want)
		}
		h.over(id)
	}
}

// TestAnsweredMeanwhile: Envoy answers a call for which the filter waits.
func TestAnsweredMeanwhile(t *testing.T) {
	h := startHost(t)
	config := h.must(h.ask("config probe %s", text(t, `{}`)))
	const limit = 2 * time.Second // enough for the answer on a busy machine
	ends := time.Now().Add(limit)
	h.begin(0, config, false, "x-rpc-do", "go:"+limit.String()+",1h", "x-rpc-do-response", "set:seen=yes")
	h.tell("response-headers 0 1 :status=%s grpc-status=%s x-meltemi-cause=%s", inHex("200"), inHex("4"), inHex("504 UT response_timeout"))
	if got := header(t, h.want(0, "response-headers"), "x-rpc-seen"); got != "yes" {
		t.Errorf("seen is %q", got)
	}
	time.Sleep(time.Until(ends) + 50*time.Millisecond) // the limit passes, and must do nothing
	h.over(0)
	if got := h.ask("metric meltemi_probe_ends_total.method.get.code.DEADLINE_EXCEEDED"); got[1] != "1" {
		t.Errorf("%v", got)
	}
}

// TestOpenResponse reads a response that does not end by itself.
func TestOpenResponse(t *testing.T) {
	h := startHost(t)
	config := h.must(h.ask("config probe %s", text(t, `{"config":{"payload":true}}`)))
	message := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindResponse, Payload: "the answer"})
	for i, do := range []string{"result", "go:10s,1ms;result"} {
		h.begin(i, config, false, "x-rpc-do", "set:a=b", "x-rpc-do-response", do)
		h.tell("request-data %d 1 %s", i, inHex(testcodec.Append(nil, testcodec.Message{Kind: sdk.KindRequest, Service: "Orders", Method: "get"})))
		h.want(i, "rerouted")
		h.want(i, "request-headers")
		h.want(i, "request-data")
		h.tell("response-headers %d 0 :status=%s content-type=%s grpc-status=%s x-meltemi-reset=%s", i, inHex("200"), inHex("application/grpc+toy"),
			inHex("0"), inHex(strconv.Itoa(len(message))))
		for part := range slices.Chunk(message, 7) {
			h.tell("response-data %d 0 %s", i, inHex(part))
		}
		if got := header(t, h.want(i, "response-headers"), "x-rpc-result"); got != "10 the answer" {
			t.Errorf("%s: the result is %q", do, got)
		}
		if e := h.want(i, "response-data"); e.words[0] != "0" || string(fromHex(t, e.words[1])) != string(message) {
			t.Errorf("%s: %v", do, e.words)
		}
		h.over(i)
	}
}

// TestFlags: a filter hears at the end what Envoy knows.
func TestFlags(t *testing.T) {
	h := startProbe(t, hosttest.Setup{})
	h.facts[factFlags] = strconv.Itoa(1<<5 | 1<<15)
	h.Do(t, hosttest.Call{Service: "Orders", Method: "flagged", Request: "log-end"})
	if want := `upstream=true flags="UF,URX" details="via_upstream"`; !h.err.holds(want) {
		t.Errorf("the log lacks %s:\n%s", want, h.err)
	}
}

// TestManyAtOnce has calls that wait in turn and others that do not, some of which end in
// the middle of it.
func TestManyAtOnce(t *testing.T) {
	h := startProxy(t, envoytest.Echo, "probe", envoytest.HostConfig(""))
	const calls = 40
	done := make(chan bool)
	for range 4 {
		client := h.dial(t)
		go func() {
			defer func() { done <- true }()
			for id := range uint64(calls) {
				do := []string{"set:a=b", "go:10s,1ms;set:a=b", "pause:10s;set:a=b", "unwanted-pause"}[id%4]
				client.Send(request(id, "x", [2]string{"do", do}, [2]string{"do-response", do}))
			}
			for range calls {
				if m := client.Next(); m.Status != sdk.OK {
					t.Errorf("got %+v", m)
				}
			}
			client.Send(request(calls, "x", [2]string{"do", "go:1h,1h"}))
			_ = client.Close()
		}()
	}
	for range 4 {
		<-done
	}
}
