package thrift

import (
	"errors"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestPeers reads what other implementations send, with what is peculiar to them.
func TestPeers(t *testing.T) {
	c := codec(t, "")
	for name, want := range map[string]struct {
		kind            sdk.Kind
		id              uint64
		service, method string
		entries         string
		status          sdk.Status
		timeout         time.Duration
	}{
		"python-framed-binary-call":      {kind: sdk.KindRequest, method: "sayHello"},
		"python-framed-compact-reply":    {kind: sdk.KindResponse},
		"python-unframed-lax-exception":  {kind: sdk.KindResponse, status: sdk.Status{Code: sdk.Unknown, Native: 6, Message: []byte("Internal error")}},
		"python-header-compact-lane":     {kind: sdk.KindRequest, id: 5, method: "sayHello", entries: "x-lane=blue"},
		"thriftpy2-unframed-binary-call": {kind: sdk.KindRequest, method: "sayHello"},
		"node-framed-compact-call":       {kind: sdk.KindRequest, id: 1, method: "sayHello"},
		"node-framed-binary-exception":   {kind: sdk.KindResponse, id: 1, status: sdk.Status{Code: sdk.Unknown, Message: []byte("Unknown function nope")}},
		"java-framed-binary-exception":   {kind: sdk.KindResponse, id: 1, status: sdk.Status{Code: sdk.Unimplemented, Native: 1, Message: []byte("Invalid method name: 'nope'")}},
		"java-unframed-compact-exception-internal": {
			kind: sdk.KindResponse, id: 1,
			status: sdk.Status{Code: sdk.Unknown, Native: 6, Message: []byte("Internal error processing sayHello")},
		},
		"java-framed-compact-reply-declared":    {kind: sdk.KindResponse, id: 1, entries: "thrift-exception=1", status: sdk.Status{Code: sdk.FailedPrecondition}},
		"java-unframed-binary-call-multiplexed": {kind: sdk.KindRequest, id: 1, service: "Greeter", method: "sayHello"},
		"java-unframed-compact-oneway":          {kind: sdk.KindOneWay, id: 1, method: "notify"},
		"kitex-ttheader-call": {
			kind: sdk.KindRequest, id: 13, service: "Greeter", method: "sayHello", timeout: time.Second,
			entries: "RPC_PERSIST_lane=blue transport_type=framed rpc_timeout=1000 from_service= from_method= to_service=greeter.svc to_method=sayHello msg_type=1",
		},
		"kitex-ttheader-oneway": {
			kind: sdk.KindOneWay, id: 16, service: "Greeter", method: "notify", timeout: time.Second,
			entries: "RPC_PERSIST_lane=blue from_service= from_method= to_service=greeter.svc to_method=notify msg_type=4 transport_type=framed rpc_timeout=1000",
		},
		"kitex-ttheader-reply": {kind: sdk.KindResponse, id: 13, entries: "msg_type=2"},
		"kitex-ttheader-reply-business": {
			kind: sdk.KindResponse, id: 14, entries: "biz-status=10042 biz-message=not today msg_type=2",
			status: sdk.Status{Code: sdk.FailedPrecondition, Native: 10042, Message: []byte("not today")},
		},
		"kitex-framed-call":    {kind: sdk.KindRequest, id: 5, method: "sayHello"},
		"kitex-unframed-reply": {kind: sdk.KindResponse, id: 9},
	} {
		m := read(t, c, frame(t, name))
		if m.Kind != want.kind || m.ID != want.id || string(m.Service) != want.service || string(m.Method) != want.method || m.Timeout != want.timeout {
			t.Errorf("%s: got %v %d %q/%q in %v", name, m.Kind, m.ID, m.Service, m.Method, m.Timeout)
		}
		if got := m.Status; got.Code != want.status.Code || got.Native != want.status.Native || string(got.Message) != string(want.status.Message) {
			t.Errorf("%s: got %v %d %q", name, got.Code, got.Native, got.Message)
		}
		if got := entries(m); got != want.entries {
			t.Errorf("%s: entries\n got %s\nwant %s", name, got, want.entries)
		}
	}
}

// TestEnvoyCorpus reads what Envoy's own fuzzer found worth keeping.
func TestEnvoyCorpus(t *testing.T) {
	c := codec(t, "")
	corpus := envoyCorpus(t)
	var lost *sdk.ConnectionError
	for name, want := range map[string]struct {
		n    int
		kind sdk.Kind
		err  any // what the error is: nil, a sentinel, or where to put it
	}{
		"1#0":                          {0x68, sdk.KindRequest, sdk.ErrNeedMore}, // transformed, so all of it is opaque
		"garbage_request#0":            {0, sdk.KindUnknown, &lost},
		"invalid_msg_type#0":           {35, sdk.KindRequest, sdk.ErrNeedMore},
		"on_data_handles_oneway#0":     {33, sdk.KindOneWay, nil},
		"on_data_handles_thriftcall#0": {33, sdk.KindRequest, nil},
		"pipelined_request1#0":         {33, sdk.KindRequest, nil},
		"protocol_error#0":             {33, sdk.KindRequest, sdk.ErrNeedMore},
	} {
		b, ok := corpus[name]
		if !ok {
			t.Fatalf("no input %s", name)
		}
		delete(corpus, name)
		m := &sdk.Message{}
		n, err := c.Decode(sdk.FromClient, b, m)
		if n != want.n || m.Kind != want.kind {
			t.Errorf("%s: %d, %v, %v", name, n, m.Kind, err)
		}
		switch want := want.err.(type) {
		case nil:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case error:
			if !errors.Is(err, want) {
				t.Errorf("%s: %v", name, err)
			}
		default:
			if !errors.As(err, want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if len(corpus) > 0 {
		t.Errorf("not tested: %v", corpus)
	}
}
