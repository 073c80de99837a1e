package rpcserver

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Sample is a handler whose answers tell who answered and what arrived.
type Sample struct {
	// Name is the server's name in its answers.
	Name string
	// Delay is how long each call takes.
	Delay time.Duration
	// FailRate is the share of calls, from 0 to 1, that end with an error that counts
	// as UNAVAILABLE. It is no dice: call number n fails if n*FailRate passes a whole
	// number that (n-1)*FailRate did not reach. So 0.5 is every second call, beginning
	// with the second, and 1 is every call.
	FailRate float64
	// FailFrom and FailTo are the numbers, counted from 1, of the first and the last of a
	// row of calls that fail too; 0 is none.
	FailFrom, FailTo uint64
	// Exception, if not empty, is the type of the exception that answers each call.
	Exception string
	// OnCall is told of each call as it is answered. It may be nil, and may be called
	// from several goroutines at once.
	OnCall func(call *Call, outcome Outcome)

	calls atomic.Uint64
}

// Outcome is what became of a call.
type Outcome string

// The outcomes of a Sample.
const (
	Answered Outcome = "ok"
	Accepted Outcome = "one-way"   // ok, and nobody is told
	Failed   Outcome = "failed"    // because of FailRate, FailFrom and FailTo
	Raised   Outcome = "exception" // because of Exception
	CutOff   Outcome = "cut off"   // the server stopped before Delay was over
)

// Handle implements Handler.
func (s *Sample) Handle(ctx context.Context, call *Call) Answer {
	n := s.calls.Add(1)
	answer, outcome := s.answer(ctx, call, n)
	if call.OneWay() && outcome == Answered {
		outcome = Accepted
	}
	if s.OnCall != nil {
		s.OnCall(call, outcome)
	}
	return answer
}

func (s *Sample) answer(ctx context.Context, call *Call, n uint64) (Answer, Outcome) {
	if !wait(ctx, s.Delay) {
		return Answer{}, CutOff
	}
	if s.fails(n) {
		// Overloaded is what a server says that has not begun a call, so that the
		// mesh may send it to another one.
		return Answer{Failure: &sdk.Failure{
			Cause: sdk.CauseOverloaded, Code: sdk.Unavailable, Message: s.Name + " fails on purpose",
		}}, Failed
	}
	if s.Exception != "" {
		return Answer{Response: sdk.Response{Exception: &sdk.Exception{
			Type: s.Exception, Message: s.Name + " raises this on purpose",
		}}}, Raised
	}
	return Answer{Response: sdk.Response{Result: s.result(call, n)}}, Answered
}

func (s *Sample) result(call *Call, n uint64) sdk.OrderedMap {
	m := call.Message
	metadata := make(sdk.OrderedMap, 0, len(m.Entries()))
	for _, e := range m.Entries() {
		metadata = append(metadata, sdk.MapEntry{Key: string(e.Key), Value: string(e.Value)})
	}
	result := sdk.OrderedMap{
		{Key: "server", Value: s.Name},
		{Key: "call", Value: int64(n)}, //nolint:gosec // no server answers that many calls
		{Key: "service", Value: string(m.Service)},
		{Key: "method", Value: string(m.Method)},
		{Key: "metadata", Value: metadata},
	}
	if call.ViewErr != nil {
		return append(result, sdk.MapEntry{Key: "arguments_error", Value: call.ViewErr.Error()})
	}
	arguments := make([]any, 0, len(call.View.Arguments))
	for _, a := range call.View.Arguments {
		arguments = append(arguments, a.Value)
	}
	return append(result, sdk.MapEntry{Key: "arguments", Value: arguments})
}

// fails reports whether call number n, counted from 1, is to fail.
func (s *Sample) fails(n uint64) bool {
	if s.FailFrom <= n && n <= s.FailTo {
		return true
	}
	return math.Floor(float64(n)*s.FailRate) > math.Floor(float64(n-1)*s.FailRate)
}

// wait waits for d, and reports whether ctx let it.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
