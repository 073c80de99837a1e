package hosttest

import (
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
)

var (
	waits   = []filter.Capability{filter.WaitCalls}
	metrics = []filter.Capability{filter.Statistics}
	reads   = []filter.Capability{filter.ReadPayload}
	routes  = []filter.Capability{filter.RouteConfigs}
)

// checks are what package filter promises.
var checks = []check{
	{name: "passes", run: func(s *session) {
		r := s.passes(Call{Metadata: map[string]string{"tenant": "blue"}})
		s.equal("payload", r.Payload, "hello")
		s.equal("tenant", r.Metadata["tenant"], "blue")
	}},
	{name: "metadata", run: func(s *session) {
		r := s.passes(Call{
			Request:  "set:tenant=green;set:new=value with spaces;add:new=again;add:newer=yes;remove:old;set:odd=a\tb\x01~41;remove:absent",
			Response: "set:seen=yes;remove:tenant;set:newer=later",
			Metadata: map[string]string{"tenant": "blue", "old": "x", "kept": "y"},
		})
		for key, want := range map[string]string{
			"tenant": "green", "new": "value with spaces", "new-was-added": "false", "newer": "yes", "newer-was-added": "true",
			"old": "", "kept": "y", "odd": "a\tb\x01~41",
		} {
			s.equal("server: "+key, r.Metadata[key], want)
		}
		for key, want := range map[string]string{"seen": "yes", "tenant": "", "newer": "later", "new": "value with spaces"} {
			s.equal("client: "+key, r.Answer[key], want)
		}
	}},
	{name: "empty value", run: func(s *session) {
		if r := s.fails(Call{Request: "set:tenant="}, sdk.CauseUnsupported); r.Reached {
			s.t.Error("the server got the call")
		}
	}},
	{name: "other method", run: func(s *session) {
		r := s.passes(Call{Request: "method:Other=renamed §"})
		s.equal("service", r.Service, "Other")
		s.equal("method", r.Method, "renamed §")
	}},
	{name: "replies", run: func(s *session) {
		for _, cause := range sdk.Causes() {
			r := s.fails(Call{Request: "reply:" + cause.String()}, cause)
			if r.Reached {
				s.t.Errorf("%v: the server got the call", cause)
			}
			s.equal("text", r.Payload, "probe: "+cause.String())
		}
	}},
	{name: "reply instead of the answer", run: func(s *session) {
		if r := s.fails(Call{Response: "reply:bad_response"}, sdk.CauseBadResponse); !r.Reached {
			s.t.Error("the server did not get the call")
		}
	}},
	{name: "reset", run: func(s *session) {
		s.fails(Call{Request: "reset"}, sdk.CauseConnectionLost)
		s.fails(Call{Response: "reset"}, sdk.CauseConnectionLost)
		s.passes(Call{Request: "set:after=reset"})
	}},
	{name: "facts", run: func(s *session) {
		r := s.passes(Call{Request: "facts", Timeout: time.Minute})
		for _, want := range []string{"kind=request", "service=Checks method=facts", "timeout=true", "mark= source=true destination=true"} {
			if !strings.Contains(r.Metadata["facts"], want) {
				s.t.Errorf("%q lacks %q", r.Metadata["facts"], want)
			}
		}
		r = s.passes(Call{Request: "facts"})
		if want := "timeout=false"; !strings.Contains(r.Metadata["facts"], want) {
			s.t.Errorf("%q lacks %q", r.Metadata["facts"], want)
		}
	}},
	{name: "routes", needs: routes, setup: Setup{Routes: map[string]string{"Marked": `{"mark":"of the route"}`}}, run: func(s *session) {
		for service, want := range map[string]string{"Marked": "mark=of the route", "Checks": "mark= source"} {
			r := s.passes(Call{Service: service, Request: "facts"})
			if !strings.Contains(r.Metadata["facts"], want) {
				s.t.Errorf("%s: %q lacks %q", service, r.Metadata["facts"], want)
			}
		}
	}},
	{name: "waits", needs: waits, run: func(s *session) {
		r := s.passes(Call{Request: "go:10s,50ms;set:waited=once;go:10s,1ms;set:then=again", Response: "go:10s,20ms;set:answer=late"})
		s.equal("server: waited", r.Metadata["waited"], "once")
		s.equal("server: then", r.Metadata["then"], "again")
		s.equal("client: answer", r.Answer["answer"], "late")
		if r.Took < 70*time.Millisecond {
			s.t.Errorf("the call took %v: nobody waited", r.Took)
		}
		s.passes(Call{Request: "pause:10s;set:a=b", Response: "pause:10s"})
	}},
	{name: "waits too long", needs: waits, run: func(s *session) {
		r := s.fails(Call{Request: "go:20ms,20s", Late: true}, sdk.CauseTimeout)
		s.equal("text", r.Payload, "the probe waited too long")
		s.fails(Call{Request: "never:20ms", Late: true}, sdk.CauseTimeout)
		s.fails(Call{Response: "never:20ms", Late: true}, sdk.CauseTimeout)
	}},
	{name: "defects", needs: waits, run: func(s *session) {
		s.fails(Call{Request: "paused-for-nothing"}, sdk.CauseInternal)
		s.passes(Call{Request: "unwanted-pause"})
	}},
	{name: "panics", run: func(s *session) {
		for range 2 {
			s.fails(Call{Request: "panic"}, sdk.CauseInternal)
			s.fails(Call{Response: "panic"}, sdk.CauseInternal)
			s.passes(Call{Request: "panic-end"})
			s.passes(Call{Request: "set:after=panic"})
		}
		s.metric(6, "panics")
		if n := strings.Count(s.Logs(), "Request: a probe that was told to"); n != 1 {
			s.t.Errorf("the panic of Request was logged %d times, want once:\n%s", n, s.Logs())
		}
	}},
	{name: "panic elsewhere", needs: waits, run: func(s *session) {
		s.fails(Call{Request: "go-panic"}, sdk.CauseInternal)
		s.passes(Call{Request: "set:after=panic"})
	}},
	{name: "http", needs: []filter.Capability{filter.CallHTTP}, run: func(s *session) {
		r := s.passes(Call{Request: "http:check,body of it;set:after=http"})
		s.equal("server: http", r.Metadata["http"], "200 http body of it")
		s.equal("server: after", r.Metadata["after"], "http")
		r = s.fails(Call{Request: "http:nowhere,x"}, sdk.CauseDenied)
		s.equal("text", r.Payload, "cluster nowhere: no response")
	}},
	{name: "grpc", needs: []filter.Capability{filter.CallHTTP, filter.CallGRPC}, run: func(s *session) {
		r := s.passes(Call{Request: "grpc:grpc,Echo=body of it;set:after=grpc", Response: "grpc:grpc,Fail=no such thing, 50 %"})
		s.equal("server: grpc", r.Metadata["grpc"], `OK "" grpc at the end body of it`)
		s.equal("server: after", r.Metadata["after"], "grpc")
		s.equal("client: grpc", r.Answer["grpc"], `NOT_FOUND "no such thing, 50 %"  at the end `)
		r = s.passes(Call{Request: "grpc:grpc,Echo=first;grpc:grpc,Echo=second;http:check,third", Response: "grpc:grpc,Echo=last"})
		s.equal("server: grpc", r.Metadata["grpc"], `OK "" grpc at the end second`)
		s.equal("client: grpc", r.Answer["grpc"], `OK "" grpc at the end last`)
		for _, way := range []func(commands string) Call{
			func(commands string) Call { return Call{Request: commands, Late: true} },
			func(commands string) Call { return Call{Response: commands, Late: true} },
		} {
			r = s.fails(way("grpc:nowhere,Echo=x"), sdk.CauseDenied)
			s.equal("text", r.Payload, "UNAVAILABLE cluster nowhere: /check.Check/Echo: the call could not be begun: there is no such cluster, or no host of it takes calls")
			r = s.fails(way("grpc:grpc,Silence@50ms=x"), sdk.CauseDenied)
			s.equal("text", r.Payload, "DEADLINE_EXCEEDED cluster grpc: /check.Check/Silence: no answer within the limit")
		}
		r = s.fails(Call{Request: "grpc:grpc,Echo=" + strings.Repeat("x", 100) + ";reply:denied"}, sdk.CauseDenied)
		s.equal("text", r.Payload, "probe: denied")
	}},
	{name: "payload", needs: reads, setup: Setup{Config: `{"payload":true}`}, run: func(s *session) {
		long := strings.Repeat("long ", 50_000)
		r := s.passes(Call{Request: "arguments;set:after=arguments", Response: "result", Payload: long})
		s.equal("argument", r.Metadata["argument-0"], "250000 long long ")
		s.equal("after", r.Metadata["after"], "arguments")
		s.equal("result", r.Answer["result"], "250000 long long ")
		if r.Payload != long {
			s.t.Errorf("the answer has %d bytes, want %d", len(r.Payload), len(long))
		}
		r = s.passes(Call{Request: "go:10s,10ms;arguments", Response: "go:10s,10ms;result"})
		s.equal("argument after a wait", r.Metadata["argument-0"], "5 hello")
		s.equal("result after a wait", r.Answer["result"], "5 hello")
		s.fails(Call{Request: "reply:denied"}, sdk.CauseDenied)
		s.fails(Call{Response: "reply:denied"}, sdk.CauseDenied)
	}},
	{name: "no payload", run: func(s *session) {
		r := s.passes(Call{Request: "arguments"})
		s.equal("arguments", r.Metadata["arguments"], "error: the message is not there: the filter has to ask for it (PayloadReader)")
	}},
	{name: "answers", needs: []filter.Capability{filter.ReadPayload, filter.AnswerCalls}, setup: Setup{Config: `{"payload":true}`}, run: func(s *session) {
		s.passes(Call{Request: "keep", Response: "keep", Payload: "the answer to keep"})
		r := s.do(Call{Request: "answer", Payload: "a question"})
		if r.Reached || r.Code != sdk.OK {
			s.t.Errorf("got %+v", r)
		}
		s.equal("answer", r.Payload, "the answer to keep")
	}},
	{name: "metrics", needs: metrics, run: func(s *session) {
		s.passes(Call{Request: "set:a=b"})
		s.fails(Call{Request: "reply:denied"}, sdk.CauseDenied)
		s.fails(Call{Request: "reset"}, sdk.CauseConnectionLost)
		s.metric(3, "requests_total")
		s.metric(1, "ends_total", "metrics", "OK")
		s.metric(1, "ends_total", "metrics", "PERMISSION_DENIED")
		s.metric(1, "ends_total", "metrics", "none")
		s.metric(0, "open")
	}},
	{name: "ends once", setup: Setup{Config: `{"all":true}`}, run: func(s *session) {
		for _, c := range []Call{
			{},
			{Request: "reply:denied"},
			{Response: "reply:denied"},
			{Request: "reset"},
			{Request: "panic"},
			{OneWay: true},
			{Request: "panic-end"},
			{OneWay: true, Request: "reply:denied"},
		} {
			s.do(c)
		}
		s.metric(8, "requests_total")
		s.metric(0, "open")
	}},
	{name: "outcome", run: func(s *session) {
		s.passes(Call{Request: "log-end"})
		s.fails(Call{Request: "reply:rate_limited;log-end"}, sdk.CauseRateLimited)
		s.fails(Call{Request: "log-end;reply:rate_limited"}, sdk.CauseRateLimited)
		for _, want := range []string{
			`end outcome answered=true code=OK cause=unknown local=false`,
			`end outcome answered=true code=RESOURCE_EXHAUSTED cause=rate_limited local=true native=0 upstream=false flags="" details="meltemi_rate_limited[probe]"`,
		} {
			if !strings.Contains(s.Logs(), want) {
				s.t.Errorf("the log lacks %q:\n%s", want, s.Logs())
			}
		}
	}},
	{name: "closes", needs: []filter.Capability{filter.System, NeverCloses}, run: func(s *session) {
		s.passes(Call{Request: "set:a=b"})
		if strings.Contains(s.Logs(), probe.Closed) {
			s.t.Error("the filter was closed while it was in use")
		}
		dropper, ok := s.Host.(Dropper)
		if !ok {
			s.t.Fatalf("%T is no Dropper", s.Host)
		}
		dropper.Drop(s.t)
		closed := 0
		for deadline := time.Now().Add(20 * time.Second); closed == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) { //nolint:forbidigo // tests wait
			closed = strings.Count(s.Logs(), probe.Closed)
		}
		if closed != 1 {
			s.t.Errorf("the filter was closed %d times, want once:\n%s", closed, s.Logs())
		}
	}},
	{name: "not its business", run: func(s *session) {
		s.passes(Call{})
		s.metric(0, "requests_total")
	}},
}
