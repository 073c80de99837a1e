package abi

import (
	"fmt"
	"strings"
	"testing"
)

// frame is the message of a gRPC call in its frame.
func frame(text string) []byte { return append([]byte{0, 0, 0, 0, byte(len(text))}, text...) }

// grpcHeaders are those of a good answer.
func grpcHeaders() string {
	return fields(":status", "200", "content-type", "application/grpc", "x-check", "seen")
}

// TestFilterMakesGRPCCalls has gRPC calls answered: in pieces, by headers alone, and not to
// the end.
func TestFilterMakesGRPCCalls(t *testing.T) {
	h := startProbe(t, `{}`)
	id := 0
	ask := func(commands string) {
		t.Helper()
		id++
		h.must("filter %d", id)
		events := h.must("request-headers %d 1 %s", id, request(commands, ""))
		if !has(events, "grpc", fmt.Sprintf("%d 1 first :method=POST", id)) || !has(events, "grpc", ":path=/check.Check/Echo te=trailers content-type=application/grpc grpc-timeout=10000m x-method=get") {
			t.Fatalf("%+v", events)
		}
		if got := joined(events, "grpc-body"); string(got) != string(frame("x")) {
			t.Fatalf("body %q", got)
		}
	}
	finish := func(events []event, what, want string) {
		t.Helper()
		if !has(events, what, want) {
			t.Errorf("want %s %q: %+v", what, want, events)
		}
		h.must("destroy %d", id)
	}
	for _, size := range []int{1, 3, 100} {
		ask("grpc:first,Echo=x")
		h.must("grpc-headers %d 1 0 %s", id, grpcHeaders())
		h.must("grpc-data %d 1 %s", id, slicesOf(frame("message")[:8], size))
		h.must("grpc-data %d 1 %s", id, slicesOf(frame("message")[8:], size))
		h.must("grpc-trailers %d 1 %s", id, fields("grpc-status", "0", "x-trailer", "end"))
		finish(h.must("grpc-complete %d 1", id), "pass-headers", `x-rpc-grpc=OK "" seen end message`)
	}
	ask("grpc:first,Echo=x")
	h.must("grpc-headers %d 1 1 %s", id, fields(":status", "200", "content-type", "application/grpc", "grpc-status", "5", "grpc-message", "none"))
	finish(h.must("grpc-complete %d 1", id), "pass-headers", `NOT_FOUND "none"`)

	ask("grpc:first,Echo=x")
	h.must("grpc-headers %d 1 0 %s", id, grpcHeaders())
	finish(h.must("grpc-reset %d 1", id), "reply", "the connection broke")

	// The filter knows from the data that this will not do: the rest is not wanted.
	ask("grpc:first,Echo=x")
	h.must("grpc-headers %d 1 0 %s", id, grpcHeaders())
	events := h.must("grpc-data %d 1 %x", id, append(frame("one"), frame("two")...))
	if !has(events, "grpc-cancel", fmt.Sprint(id, " 1")) {
		t.Errorf("%+v", events)
	}
	finish(events, "reply", "more than one message")

	// One after the other.
	ask("grpc:first,Echo=x;grpc:second,Echo=y")
	h.must("grpc-headers %d 1 1 %s", id, fields(":status", "200", "grpc-status", "5"))
	if events = h.must("grpc-complete %d 1", id); !has(events, "grpc", fmt.Sprint(id, " 2 second")) {
		t.Errorf("%+v", events)
	}
	h.must("grpc-headers %d 2 1 %s", id, fields(":status", "200", "grpc-status", "6"))
	finish(h.must("grpc-complete %d 2", id), "pass-headers", "ALREADY_EXISTS")
}

// TestFilterCancelsGRPCCalls has gRPC calls that nobody waits for any more, and such as
// cannot be begun, of which Envoy tells within the call.
func TestFilterCancelsGRPCCalls(t *testing.T) {
	h := startProbe(t, `{}`)
	// Somebody else answers, and the filter asks again.
	h.must("filter 1")
	h.must("request-headers 1 1 %s", request("grpc:first,Echo=x", "grpc:second,Echo=y"))
	events := h.must("response-headers 1 1 %s", answer())
	if got := names(events); got != "grpc-cancel grpc grpc-body" || !has(events, "grpc-cancel", "1 1") || !has(events, "grpc", "1 2 second") {
		t.Errorf("%+v", events)
	}
	h.must("grpc-headers 1 2 1 %s", fields(":status", "200", "grpc-status", "6"))
	if events = h.must("grpc-complete 1 2"); !has(events, "pass-headers", "response") {
		t.Errorf("%+v", events)
	}
	h.must("destroy 1")

	h.must("filter 2")
	h.must("request-headers 2 1 %s", request("grpc:first,Echo@3ms=x", ""))
	if events = h.eventually(); !strings.HasPrefix(names(events), "grpc-cancel reply") || !has(events, "reply", "DEADLINE_EXCEEDED") {
		t.Errorf("%+v", events)
	}
	h.must("destroy 2")

	for i, cluster := range []string{"nowhere", "failing"} {
		h.must("filter %d", 3+i)
		if events = h.must("request-headers %d 1 %s", 3+i, request("grpc:"+cluster+",Echo=x", "")); len(events) > 0 {
			t.Errorf("the filter hears of it within its own hook: %+v", events)
		}
		if events = h.eventually(); !has(events, "reply", "the call could not be begun") {
			t.Errorf("%+v", events)
		}
		h.must("destroy %d", 3+i)
	}

	// The request ends within the hook of the answer.
	for i, c := range []struct{ commands, at string }{{"grpc:first,Echo=x", "pass"}, {"grpc:first,Echo=x;reply:denied", "reply"}, {"grpc:first,Echo=x;reset", "reset"}} {
		h.must("filter %d", 5+i)
		h.must("destroy-at %d %s", 5+i, c.at)
		h.must("request-headers %d 1 %s", 5+i, request(c.commands, ""))
		h.must("grpc-headers %d 1 1 %s", 5+i, fields(":status", "200", "grpc-status", "6"))
		if events = h.must("grpc-complete %d 1", 5+i); len(events) == 0 {
			t.Error("nothing came of it")
		}
	}
	h.must("filter 8")
	h.must("destroy-at 8 reply")
	h.must("request-headers 8 1 %s", request("grpc:first,Echo=x", ""))
	h.must("grpc-headers 8 1 0 %s", grpcHeaders())
	if events = h.must("grpc-data 8 1 01"); len(events) > 0 {
		t.Errorf("%+v", events)
	}
	if events = h.must("grpc-data 8 1 00000000"); !has(events, "reply", "compressed") {
		t.Errorf("%+v", events)
	}
	h.must("run")
}
