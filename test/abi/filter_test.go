package abi

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// probeLibrary builds the library of the tests of filters: the protocol "toy", and the
// filter "probe", which does what the metadata of a call tell it.
var probeLibrary = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "", err
	}
	target := filepath.Join(root, ".cache", "testlib", "abi", "libmeltemi.so")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-tags=netgo,osusergo",
		"-ldflags", `-s -w -extldflags "-Wl,-z,lazy"`, "-o", target, "./sdk/internal/testlib")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the library: %w\n%s", err, out)
	}
	return target, nil
})

// startProbe starts a host with the probe.
func startProbe(t *testing.T, config string) *host {
	t.Helper()
	library, err := probeLibrary()
	if err != nil {
		t.Fatal(err)
	}
	h := startHostOf(t, library)
	h.must(`filter-config {"codec":{"name":"toy"},"config":%s}`, config)
	return h
}

// fields are headers as the host takes them.
func fields(pairs ...string) string {
	words := make([]string, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		words = append(words, fmt.Sprintf("%x=%x", pairs[i], pairs[i+1]))
	}
	return strings.Join(words, " ")
}

// request are the headers of a call with commands for the probe, "" for none.
func request(onRequest, onResponse string) string {
	pairs := []string{":method", "POST", ":path", "/shop.Orders/get", "content-type", "application/grpc+toy"}
	if onRequest != "" {
		pairs = append(pairs, "x-rpc-do", onRequest)
	}
	if onResponse != "" {
		pairs = append(pairs, "x-rpc-do-response", onResponse)
	}
	return fields(pairs...)
}

// answer are the headers of a good answer.
func answer() string {
	return fields(":status", "200", "content-type", "application/grpc+toy", "grpc-status", "0")
}

// toy is a message of the protocol "toy" (sdk/internal/testcodec): a request, or the
// response to one. Its id is 7.
func toy(kind byte, text string) []byte {
	b := append(binary.BigEndian.AppendUint64([]byte{'T', 'Y', kind, 0}, 7), 0, 0, 0, 0)
	var meta []byte
	if kind == toyRequest {
		for _, s := range []string{":service", "shop.Orders", ":method", "get"} {
			meta = append(binary.BigEndian.AppendUint16(meta, uint16(len(s))), s...)
		}
	}
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, uint32(len(meta))), uint32(len(text)))
	return append(append(b, meta...), text...)
}

const toyRequest, toyResponse = 1, 3

// names are what happened, in its order, with what the line says where it matters.
func names(events []event) string {
	var all []string
	for _, e := range events {
		all = append(all, e.what)
	}
	return strings.Join(all, " ")
}

// has tells whether an event of that kind says that.
func has(events []event, what, text string) bool {
	for _, e := range events {
		if e.what == what && strings.Contains(strings.Join(e.words, " "), text) {
			return true
		}
	}
	return false
}

// eventually runs what waits in schedulers until something happens.
func (h *host) eventually() []event {
	h.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if events := h.must("run"); len(events) > 0 {
			return events
		}
	}
	h.t.Fatal("nothing happens")
	return nil
}

// TestFilterHooks lets calls go through a filter in each way that one can let them go:
// at once, later, with the whole message; the body in one piece and in several, with and
// without trailers.
func TestFilterHooks(t *testing.T) {
	for _, payload := range []bool{false, true} {
		h := startProbe(t, fmt.Sprintf(`{"payload":%t}`, payload))
		for i, commands := range []string{"set:a=b", "go:10s,3ms;set:a=b", "never:3ms", "pause:10s;set:a=b"} {
			for _, size := range []int{7, 1 << 20} {
				for _, trailers := range []bool{false, true} {
					t.Run(fmt.Sprintf("payload %t, %s, %d, %t", payload, commands, size, trailers), func(t *testing.T) {
						h.t = t
						refused := commands == "never:3ms"
						h.must("filter %d", i)
						body := toy(toyRequest, strings.Repeat("0123456789", 10))
						events := h.must("request-headers %d 0 %s", i, request(commands, commands))
						events = append(events, h.send("request", i, body, size, trailers)...)
						if !has(events, "pass-headers", "request") && !refused {
							events = append(events, h.eventually()...)
						}
						if refused {
							if events = append(events, h.eventually()...); !has(events, "reply", "details=meltemi_timeout[probe]") || joined(events, "pass-data") != nil {
								t.Errorf("%s", names(events))
							}
							h.must("destroy %d", i)
							return
						}
						checkPass(t, events, "request", body, trailers)

						body = toy(toyResponse, "well")
						events = h.must("response-headers %d 0 %s", i, answer())
						events = append(events, h.send("response", i, body, size, trailers)...)
						if !has(events, "pass-headers", "response") {
							events = append(events, h.eventually()...)
						}
						checkPass(t, events, "response", body, trailers)
						h.must("complete %d", i)
						h.must("destroy %d", i)
					})
				}
			}
		}
		h.t = t
	}
}

// send gives the host a body, and trailers that end it.
func (h *host) send(way string, id int, body []byte, size int, trailers bool) (events []event) {
	h.t.Helper()
	events = h.must("%s-data %d 0 %s", way, id, slicesOf(body[:len(body)/2], size))
	events = append(events, h.must("%s-data %d %d %s", way, id, map[bool]int{false: 1}[trailers], slicesOf(body[len(body)/2:], size))...)
	if trailers {
		events = append(events, h.must("%s-trailers %d", way, id)...)
	}
	return events
}

func checkPass(t *testing.T, events []event, way string, body []byte, trailers bool) {
	t.Helper()
	if !has(events, "pass-headers", way) || !has(events, "pass-headers", "x-rpc-a=b") {
		t.Errorf("%s headers: %+v", way, events)
	}
	if got := joined(events, "pass-data"); string(got) != string(body) {
		t.Errorf("the %s's body is %d bytes, %.80q, want %d, %.80q", way, len(got), got, len(body), body)
	}
	if has(events, "pass-trailers", way) != trailers {
		t.Errorf("%s trailers: %s", way, names(events))
	}
}

// TestFilterAsksAndIsAnsweredBySomebodyElse has a call that waits for a service when its
// answer comes from elsewhere. The filter then asks another service; what the first one
// says late is nothing to it.
func TestFilterAsksAndIsAnsweredBySomebodyElse(t *testing.T) {
	h := startProbe(t, `{}`)
	h.must("filter 1")
	if events := h.must("request-headers 1 1 %s", request("http:first,x", "http:second,y")); !has(events, "callout", "1 1 first body=x") {
		t.Fatalf("%+v", events)
	}
	if events := h.must("response-headers 1 1 %s", answer()); !has(events, "callout", "1 2 second body=y") {
		t.Fatalf("%+v", events)
	}
	if events := h.must("called-out 1 1 1 %x", "late"); len(events) > 0 {
		t.Errorf("the answer to the first question is taken for that to the second: %+v", events)
	}
	if events := h.must("called-out 1 2 1 %x", "here"); !has(events, "pass-headers", "response") {
		t.Errorf("%+v", events)
	}
	h.must("destroy 1")

	// No such cluster, and no answer.
	h.must("filter 2")
	h.must("request-headers 2 1 %s", request("http:nowhere,x", ""))
	if events := h.eventually(); !has(events, "reply", "text=cluster nowhere: no response") {
		t.Errorf("%+v", events)
	}
	h.must("destroy 2")
	h.must("filter 3")
	h.must("request-headers 3 1 %s", request("http:first,x", ""))
	if events := h.must("called-out 3 1 0 -"); !has(events, "reply", "text=cluster first: no response") {
		t.Errorf("%+v", events)
	}
	h.must("destroy 3")
}

// TestFilterRoutes has a route with a configuration of its own, another one, and none.
func TestFilterRoutes(t *testing.T) {
	h := startProbe(t, `{}`)
	ask := func(id int, want string) {
		t.Helper()
		h.must("filter %d", id)
		if events := h.must("request-headers %d 1 %s", id, request("facts;note:k=v;tag:t=u", "")); !has(events, "pass-headers", want) ||
			!has(events, "note", "probe k=v") || !has(events, "tag", "t=u") || !has(events, "reroute", "") {
			t.Errorf("want %q: %+v", want, events)
		}
		h.must("destroy %d", id)
	}
	ask(1, "route=the-route cluster=the-cluster mark= source=true destination=true principal=CN=somebody")
	h.must(`route {"mark":"one"}`)
	ask(2, "mark=one")
	h.must(`route {"mark":"two"}`)
	ask(3, "mark=two")
	h.must("route-destroy")
	ask(4, "mark= ")
	if _, ok := h.do(`route {"typo":1}`); ok {
		t.Error("a typo was taken")
	}
}

// TestFilterOfARequestThatEndsWithin has requests that Envoy destroys while the filter is
// still talking to it: at each step of each way in which that can be. The host ends if the
// filter goes on.
func TestFilterOfARequestThatEndsWithin(t *testing.T) {
	h := startProbe(t, `{"payload":true}`)
	whole := toy(toyRequest, "x")
	// An answer to answer with.
	h.must("filter 0")
	h.must("request-headers 0 0 %s", request("set:a=b", "keep"))
	h.must("request-data 0 1 %x", whole)
	h.must("response-headers 0 0 %s", answer())
	h.must("response-data 0 1 %x", toy(toyResponse, "kept"))
	h.must("destroy 0")

	for i, c := range []struct{ commands, at string }{
		{"answer", "answer-headers"},
		{"answer", "answer-data"},
		{"answer", "answer-trailers"},
		{"answer", ""},
		{"reply:denied", "reply"},
		{"reset", "reset"},
		{"panic", "reply"},
		{"go:10s,2ms;answer", "answer-headers"},
		{"go:10s,2ms;reply:denied", "reply"},
		{"never:2ms", "reply"},
		{"go:10s,2ms;reset", "reset"},
		{"go:10s,2ms", "pass"},
		{"go-panic", "reply"},
	} {
		id := i + 1
		h.must("filter %d", id)
		if c.at != "" {
			h.must("destroy-at %d %s", id, c.at)
		}
		events := h.must("request-headers %d 0 %s", id, request(c.commands, ""))
		events = append(events, h.must("request-data %d 1 %x", id, whole)...)
		if len(events) == 0 {
			events = h.eventually()
		}
		want := c.at
		if c.at == "" {
			want = "answer-trailers"
			if got := joined(events, "answer-data"); !strings.HasSuffix(string(got), "kept") || hex.EncodeToString(got[4:12]) != "0000000000000007" {
				t.Errorf("the answer is %q", got)
			}
			h.must("destroy %d", id)
		} else if want == "pass" {
			want = "pass-data"
		}
		if last := events[len(events)-1].what; last != want {
			t.Errorf("%s, destroyed at %q: %s", c.commands, c.at, names(events))
		}
	}
	h.must("run")
}

// TestFiltersOfLostRequests destroys requests in every state: each takes its memory with
// it, and no timer, goroutine or service of a filter reaches it afterwards (the host ends
// if one does).
func TestFiltersOfLostRequests(t *testing.T) {
	h := startProbe(t, `{"payload":true}`)
	h.must(`config {"name":"toy"}`) // for its gauges
	body := toy(toyRequest, strings.Repeat("x", 2000))
	half := len(body) / 2
	states := []func(id int){
		func(int) {},
		func(id int) { h.must("request-headers %d 0 %s", id, request("set:a=b", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("go:10s,1ms", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("go:1ms,10s", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("never:1ms", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("never:10s", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("pause:10s", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("http:first,x", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("http:nowhere,x", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("grpc:first,Echo=x", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("grpc:first,Echo@1ms=x", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("grpc:failing,Echo=x", "")) },
		func(id int) {
			h.must("request-headers %d 1 %s", id, request("grpc:first,Echo=x", ""))
			h.must("grpc-headers %d 1 0 %s", id, grpcHeaders())
			h.must("grpc-data %d 1 %x", id, frame("message")[:8])
		},
		func(id int) { h.must("request-headers %d 1 %s", id, request("panic", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("panic-end", "")) },
		func(id int) { h.must("request-headers %d 1 %s", id, request("reset", "")) },
		func(id int) {
			h.must("request-headers %d 0 %s", id, request("set:a=b", ""))
			h.must("request-data %d 0 %x", id, body[:half])
		},
		func(id int) {
			h.must("request-headers %d 0 %s", id, request("go:10s,1ms", "go:10s,1ms"))
			h.must("request-data %d 1 %x", id, body)
		},
		func(id int) {
			h.must("request-headers %d 1 %s", id, request("set:a=b", "never:1ms"))
			h.must("response-headers %d 1 %s", id, answer())
		},
		func(id int) {
			h.must("request-headers %d 1 %s", id, request("go:10s,1ms", "never:10s"))
			h.must("response-headers %d 1 %s", id, answer())
		},
		func(id int) {
			h.must("request-headers %d 1 %s", id, request("set:a=b", "set:c=d"))
			h.must("response-headers %d 0 %s", id, answer())
			h.must("response-data %d 0 %x", id, toy(toyResponse, "y")[:9])
		},
	}
	lose := func(n int) {
		for i := range n {
			id := i % 100
			h.must("filter %d", id)
			states[i%len(states)](id)
			h.must("destroy %d", id)
			if i%7 == 0 {
				h.must("run")
			}
		}
	}
	lose(2000)
	before := h.memory()
	lose(15_000)
	if grown := h.memory() - before; grown > 16<<10 {
		t.Errorf("15000 lost requests left %d KiB behind", grown)
	}
	for range 20 {
		if g := h.gauges(); g["handles"] == 0 && g["goroutines"] < 40 {
			return
		}
	}
	t.Errorf("after it all: %v", h.gauges())
}

// TestFilterIsAnsweredWhileItCollects has a request whose body is not whole yet, or that
// waits, when somebody else answers it. What comes of it then is nothing to the filter,
// which is busy with the answer, and must not reach a server.
func TestFilterIsAnsweredWhileItCollects(t *testing.T) {
	body := toy(toyRequest, "0123456789")
	local := fields(":status", "200", "content-type", "application/grpc+toy", "grpc-status", "4", "x-meltemi-cause", "504 UT response_timeout")
	for _, c := range []struct{ name, config, onRequest string }{
		{"it collects", `{"payload":true}`, "set:a=b"}, {"it waits", `{}`, "never:10s"},
	} {
		for _, onResponse := range []string{"set:a=b", "go:10s,2ms;set:a=b"} {
			for _, trailers := range []bool{false, true} {
				t.Run(fmt.Sprint(c.name, ", ", onResponse, ", ", trailers), func(t *testing.T) {
					h := startProbe(t, c.config)
					h.must("filter 1")
					events := h.must("request-headers 1 0 %s", request(c.onRequest, onResponse))
					events = append(events, h.must("request-data 1 0 %x", body[:9])...)
					if len(events) > 0 {
						t.Fatalf("%+v", events)
					}
					events = h.must("response-headers 1 1 %s", local)
					if trailers {
						events = append(events, h.must("request-data 1 0 %x", body[9:])...)
						events = append(events, h.must("request-trailers 1")...)
					} else {
						events = append(events, h.must("request-data 1 1 %x", body[9:])...)
					}
					if len(events) == 0 {
						events = h.eventually()
					}
					if got := names(events); got != "pass-headers" || !has(events, "pass-headers", "response") || !has(events, "pass-headers", "x-rpc-a=b") {
						t.Errorf("%+v", events)
					}
					h.must("destroy 1")
					h.must("run")
				})
			}
		}
	}
}
