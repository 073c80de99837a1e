package hosttest

import (
	"slices"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Host runs the probe in front of a server that echoes calls: its answer has the
// payload and the metadata of the request.
type Host interface {
	// Do makes a call and waits for its end.
	Do(t *testing.T, c Call) Result
	// Metric is a metric of the probe, by its name and the values of its labels.
	Metric(t *testing.T, name string, labels ...string) int
	// Logs is what the probe, and the host about it, have logged.
	Logs() string
}

// Dropper is a Host without [NeverCloses].
type Dropper interface {
	// Drop makes the host let go of the probe's configuration, as a change does. It need
	// not wait until that has happened.
	Drop(t *testing.T)
}

// NeverCloses stands among what a host lacks that is not told when a configuration is
// dropped, so that it cannot close a filter.Closer.
const NeverCloses filter.Capability = "close"

// Setup is how a host is to run the probe.
type Setup struct {
	// Config is the probe's configuration in JSON.
	Config string
	// Routes are the configurations of routes, in JSON, by service.
	Routes map[string]string
}

// Start starts a host that ends with the test. The cluster "check" answers each HTTP
// request with the same body, status 200 and the header x-check, which is the request's
// x-method. There is no cluster "nowhere".
//
// The cluster "grpc" has a gRPC server. Its method /check.Check/Echo answers with the same
// message, with the metadata x-check, which is the request's x-method, and with the trailer
// x-trailer, "at the end"; /check.Check/Fail with the status NOT_FOUND, the text of the
// message and the trailer x-trailer; /check.Check/Silence not at all.
type Start func(t *testing.T, s Setup) Host

// Call is a call in words.
type Call struct {
	Service, Method string // "Checks" and the check's name if empty
	OneWay          bool
	Timeout         time.Duration
	// Request and Response are commands for the probe.
	Request, Response string
	Metadata          map[string]string
	Payload           string // "hello" if empty
	// Late tells that the call waits until a limit has passed: a host whose clock is a
	// test's turns it.
	Late bool
}

// Result is what became of it.
type Result struct {
	// Reached tells whether the server got the call; Service, Method and Metadata are
	// what it got, with the commands left out.
	Reached         bool
	Service, Method string
	Metadata        map[string]string
	// Answer is the metadata of what the client got. Code, Native and Cause tell of a
	// failure; the cause is that of the protocol's error.
	Answer  map[string]string
	Payload string
	Code    sdk.Code
	Cause   string
	// Took is how long the client waited.
	Took time.Duration
}

// Run checks a host that has all capabilities but those that lacks names.
func Run(t *testing.T, start Start, lacks ...filter.Capability) {
	t.Helper()
	for _, c := range checks {
		if slices.ContainsFunc(c.needs, func(need filter.Capability) bool { return slices.Contains(lacks, need) }) {
			t.Logf("%s: not checked, for the host lacks one of %v", c.name, c.needs)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			c.run(&session{t: t, Host: start(t, c.setup), name: c.name, lacks: lacks})
		})
	}
}

// check is one promise.
type check struct {
	name  string
	needs []filter.Capability
	setup Setup
	run   func(s *session)
}

// session is a check at work.
type session struct {
	Host
	t     *testing.T
	name  string
	lacks []filter.Capability
}

// do makes a call.
func (s *session) do(c Call) Result {
	s.t.Helper()
	if c.Service == "" {
		c.Service = "Checks"
	}
	if c.Method == "" {
		c.Method = s.name
	}
	if c.Payload == "" {
		c.Payload = "hello"
	}
	return s.Do(s.t, c)
}

// passes makes a call that must reach the server and get its answer.
func (s *session) passes(c Call) Result {
	s.t.Helper()
	r := s.do(c)
	if !r.Reached || r.Code != sdk.OK {
		s.t.Fatalf("%s: the call did not pass: %+v", c.Request, r)
	}
	return r
}

// fails makes a call that must fail for that cause.
func (s *session) fails(c Call, cause sdk.Cause) Result {
	s.t.Helper()
	r := s.do(c)
	if r.Cause != cause.String() || r.Code == sdk.OK {
		s.t.Fatalf("%s: got %v, cause %q; want cause %v", c.Request, r.Code, r.Cause, cause)
	}
	return r
}

// metric waits until a metric has a value: hosts may hand them over with a delay. A host
// without metrics shows none.
func (s *session) metric(want int, name string, labels ...string) {
	s.t.Helper()
	if slices.Contains(s.lacks, filter.Statistics) {
		return
	}
	got := 0
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) { //nolint:forbidigo // tests wait
		if got = s.Metric(s.t, name, labels...); got == want {
			return
		}
	}
	s.t.Errorf("%s%v is %d, want %d", name, labels, got, want)
}

func (s *session) equal(what, got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s is %q, want %q", what, got, want)
	}
}
