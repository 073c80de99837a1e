package thrift

import (
	"bytes"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestRepliesAreThoseOfOthers compares what we say with what Apache Thrift and Kitex
// write.
func TestRepliesAreThoseOfOthers(t *testing.T) {
	c := codec(t, "")
	failures := map[string]sdk.Failure{
		"exception-no-route":       {Cause: sdk.CauseNoRoute, Message: "no route"},
		"exception-internal":       {Cause: sdk.CauseNoUpstream, Message: "no healthy upstream"},
		"exception-protocol":       {Cause: sdk.CauseTooLarge, Message: "message too large"},
		"exception-missing-result": {Cause: sdk.CauseBadResponse, Message: "the body is not a reply"},
	}
	check := func(call, reply string, failure sdk.Failure) {
		m := read(t, c, frame(t, call))
		got, err := c.Reply([]byte("before"), sdk.Call{ID: m.ID, Token: m.Token, Service: m.Service, Method: m.Method}, failure)
		if want := frame(t, reply).bytes; err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
			t.Errorf("%s to %s: %v\n got %x\nwant %x", call, reply, err, got, want)
		}
	}
	for _, shape := range shapes {
		for name, failure := range failures {
			check(shape+"-call", shape+"-"+name, failure)
		}
	}
	check("ttheader-call", "ttheader-exception-unknown-service", failures["exception-no-route"])
	check("ttheader-call-bare", "ttheader-exception-internal", failures["exception-internal"])
}

// TestRepliesOfAllCauses reads the reply for each cause to each call that is captured.
func TestRepliesOfAllCauses(t *testing.T) {
	c := codec(t, "")
	for _, f := range frames(t) {
		if f.from == sdk.FromServer {
			continue
		}
		m := &sdk.Message{}
		if _, err := c.Decode(f.from, f.bytes, m); err != nil {
			t.Fatal(err)
		}
		for _, cause := range sdk.Causes() {
			b, err := c.Reply(nil, sdk.Call{ID: m.ID, Token: m.Token, Service: m.Service, Method: m.Method}, sdk.Failure{Cause: cause, Message: "why"})
			if err != nil {
				t.Fatal(err)
			}
			reply := read(t, c, captured{f.name, sdk.FromServer, b})
			if reply.ID != m.ID || string(reply.Status.Message) != "why" || reply.Status.Code == sdk.OK || reply.Status.Code == sdk.Unavailable {
				t.Errorf("%s: %v: id %d, %v %q", f.name, cause, reply.ID, reply.Status.Code, reply.Status.Message)
			}
			l, _, err := c.locate(b)
			if err != nil || string(b[l.name.from:l.name.to]) != string(m.Method) {
				t.Errorf("%s: the reply is to %q, %v", f.name, b[l.name.from:l.name.to], err)
			}
		}
	}
}

// TestTypesOfCauses is the table that clients see.
func TestTypesOfCauses(t *testing.T) {
	want := map[sdk.Cause]int32{
		sdk.CauseUnknown: 0, sdk.CauseNoRoute: 1, sdk.CauseNoUpstream: 6, sdk.CauseConnectFailure: 6,
		sdk.CauseConnectionLost: 6, sdk.CauseTimeout: 6, sdk.CauseRateLimited: 6, sdk.CauseDenied: 6,
		sdk.CauseOverloaded: 6, sdk.CauseAborted: 6, sdk.CauseTooLarge: 7, sdk.CauseMalformed: 7,
		sdk.CauseUnreadable: 7, sdk.CauseUnsupported: 7, sdk.CauseBadResponse: 5, sdk.CauseDraining: 6, sdk.CauseInternal: 6,
	}
	for _, cause := range sdk.Causes() {
		kind, ok := want[cause]
		if got := typeOf(cause, form{}); !ok || got != kind {
			t.Errorf("%v: type %d, want %d", cause, got, kind)
		}
	}
	for flaw, kind := range map[flaw]int32{transformed: exInvalidTransform, otherProtocol: exInvalidProtocol} {
		if got := typeOf(sdk.CauseUnreadable, form{flaw: flaw}); got != kind {
			t.Errorf("unreadable, flaw %d: type %d, want %d", flaw, got, kind)
		}
	}
}

func TestStatuses(t *testing.T) {
	c := codec(t, `{"exceptions_as":{"other":"INTERNAL"}}`)
	seen := map[int]bool{}
	for _, s := range c.Statuses() {
		if s.Name == "" || s.Code == sdk.OK || s.Code == sdk.Unavailable || seen[s.Native] {
			t.Errorf("%+v", s)
		}
		seen[s.Native] = true
		if s.Native == exInternalError && s.Code != sdk.Internal {
			t.Errorf("INTERNAL_ERROR counts as %v", s.Code)
		}
	}
}
