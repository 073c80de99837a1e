package brpc

import (
	"bytes"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestRepliesAreThoseOfOthers compares what we say with what protoc writes.
func TestRepliesAreThoseOfOthers(t *testing.T) {
	c := codec(t, "")
	m := read(t, c, frame(t, "cpp-request"))
	for name, f := range map[string]sdk.Failure{
		"no-route":     {Cause: sdk.CauseNoRoute, Message: "no route"},
		"no-upstream":  {Cause: sdk.CauseNoUpstream, Message: "no healthy upstream"},
		"timeout":      {Cause: sdk.CauseTimeout, Message: "upstream timeout"},
		"denied":       {Cause: sdk.CauseDenied, Message: "access denied"},
		"too-large":    {Cause: sdk.CauseTooLarge, Message: "message too large"},
		"bad-response": {Cause: sdk.CauseBadResponse, Message: "not a reply"},
		"lost":         {Cause: sdk.CauseConnectionLost, Message: "connection lost"},
		"overloaded":   {Cause: sdk.CauseOverloaded, Message: "too many requests"},
		"draining":     {Cause: sdk.CauseDraining, Message: "the proxy is going away"},
	} {
		got, err := c.Reply([]byte("before"), sdk.Call{ID: m.ID, Token: m.Token, Service: m.Service, Method: m.Method}, f)
		if want := frame(t, "cpp-refusal-"+name).bytes; err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
			t.Errorf("%s: %v\n got %x\nwant %x", name, err, got, want)
		}
	}
}

// TestRefusedCredentials tells a client that its credentials are the reason, and only
// then.
func TestRefusedCredentials(t *testing.T) {
	for config, want := range map[string]int{"": codeERPCAUTH, `{"shared_credentials":true}`: codeEREJECT} {
		c := codec(t, config)
		m := &sdk.Message{}
		if _, err := c.Decode(sdk.FromClient, frame(t, "cpp-request-credentials").bytes, m); err != nil {
			t.Fatal(err)
		}
		b, err := c.Reply(nil, sdk.Call{ID: m.ID, Token: m.Token}, sdk.Failure{Cause: sdk.CauseDenied, Message: "no"})
		if err != nil {
			t.Fatal(err)
		}
		if r := read(t, c, captured{bytes: b}); r.Status.Native != want || r.ID != 9 {
			t.Errorf("%s: %d for %d, want %d", config, r.Status.Native, r.ID, want)
		}
	}
}

// retried are the codes after which C++ clients repeat a call by themselves.
// Source: apache/brpc, src/brpc/retry_policy.cpp.
var retried = map[int]bool{1009: true, 1014: true, 112: true, 2003: true, 110: true, 2004: true, 2: true, 32: true, 111: true, 104: true, 61: true, 1011: true, 1017: true}

// TestCausesAndRetries lets clients repeat only what could not begin, and what they would
// repeat without a proxy: a call whose connection was lost.
func TestCausesAndRetries(t *testing.T) {
	repeat := map[sdk.Cause]bool{
		sdk.CauseNoUpstream: true, sdk.CauseConnectFailure: true, sdk.CauseOverloaded: true, sdk.CauseDraining: true,
		sdk.CauseConnectionLost: true,
	}
	c := codec(t, "")
	for _, cause := range sdk.Causes() {
		if _, ok := causeCode[cause]; !ok {
			t.Errorf("%v has no code", cause)
		}
		b, err := c.Reply(nil, sdk.Call{ID: 1}, sdk.Failure{Cause: cause})
		if err != nil {
			t.Fatal(err)
		}
		m := read(t, c, captured{bytes: b})
		if retried[m.Status.Native] != repeat[cause] {
			t.Errorf("%v: %d is repeated: %v", cause, m.Status.Native, retried[m.Status.Native])
		}
		if cause.Refusal() && retried[m.Status.Native] {
			t.Errorf("the refusal %v is repeated", cause)
		}
		if len(m.Status.Message) == 0 || m.Status.Code == sdk.OK {
			t.Errorf("%v: %v %q", cause, m.Status.Code, m.Status.Message)
		}
	}
}

// TestStatuses counts as UNAVAILABLE only what a server says before it begins a call.
func TestStatuses(t *testing.T) {
	c := codec(t, `{"exceptions_as":{"other":"INTERNAL","application":"ABORTED"}}`)
	seen := map[int]bool{}
	for _, s := range c.Statuses() {
		if s.Name == "" || seen[s.Native] || s.Code == sdk.Canceled || (s.Code == sdk.OK) != (s.Native == 0) {
			t.Errorf("%+v", s)
		}
		seen[s.Native] = true
		if early := s.Native == codeELOGOFF || s.Native == codeELIMIT || s.Native == codeEOVERCROWDED; (s.Code == sdk.Unavailable) != early {
			t.Errorf("%+v", s)
		}
	}
	for code, want := range map[int32]sdk.Code{0: sdk.OK, 2001: sdk.Internal, 4242: sdk.Aborted, -1: sdk.Aborted, 22: sdk.Aborted} {
		if got := c.codeOf(code); got != want {
			t.Errorf("%d counts as %v, want %v", code, got, want)
		}
	}
}
