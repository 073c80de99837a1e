package rpcserver

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func sampleCall(kind sdk.Kind) *Call {
	m := &sdk.Message{Kind: kind, Service: []byte("s"), Method: []byte("m")}
	m.Set([]byte("k"), []byte("v"))
	return &Call{Message: m, View: sdk.View{Arguments: []sdk.Argument{{Type: "int", Value: 5}}}}
}

func TestSampleTellsWhatItSaw(t *testing.T) {
	a := (&Sample{Name: "v1"}).Handle(t.Context(), sampleCall(sdk.KindRequest))
	got, err := json.Marshal(a.Response.Result)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"server":"v1","call":1,"service":"s","method":"m","metadata":{"k":"v"},"arguments":[5]}`
	if string(got) != want || a.Failure != nil {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSampleFailsByCount(t *testing.T) {
	for rate, want := range map[float64]string{
		0: "..........", 0.1: ".........x", 0.25: "...x...x..", 0.5: ".x.x.x.x.x", 0.7: ".xx.xx.xxx", 1: "xxxxxxxxxx",
	} {
		s := &Sample{FailRate: rate}
		got := ""
		for range 10 {
			a := s.Handle(t.Context(), sampleCall(sdk.KindRequest))
			switch {
			case a.Failure == nil:
				got += "."
			case a.Failure.Code == sdk.Unavailable:
				got += "x"
			default:
				t.Fatalf("failed with %+v", a.Failure)
			}
		}
		if got != want {
			t.Errorf("rate %v: %s, want %s", rate, got, want)
		}
	}
}

func TestSampleFailsForAWhile(t *testing.T) {
	s := &Sample{FailFrom: 3, FailTo: 5}
	for n := range 8 {
		failed := s.Handle(t.Context(), sampleCall(sdk.KindRequest)).Failure != nil
		if want := 3 <= n+1 && n+1 <= 5; failed != want {
			t.Errorf("call %d fails: %v, want %v", n+1, failed, want)
		}
	}
	if (&Sample{}).Handle(t.Context(), sampleCall(sdk.KindRequest)).Failure != nil {
		t.Error("a server without such a row fails")
	}
}

func TestSampleOutcomes(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx    context.Context //nolint:containedctx // a table
		sample *Sample
		kind   sdk.Kind
		want   Outcome
	}{
		"ok":        {t.Context(), &Sample{}, sdk.KindRequest, Answered},
		"one-way":   {t.Context(), &Sample{}, sdk.KindOneWay, Accepted},
		"failed":    {t.Context(), &Sample{FailRate: 1}, sdk.KindRequest, Failed},
		"exception": {t.Context(), &Sample{Exception: "X"}, sdk.KindRequest, Raised},
		"cut off":   {ended, &Sample{Delay: time.Hour}, sdk.KindRequest, CutOff},
	} {
		t.Run(name, func(t *testing.T) {
			var got Outcome
			test.sample.OnCall = func(_ *Call, o Outcome) { got = o }
			test.sample.Handle(test.ctx, sampleCall(test.kind))
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSampleWaits(t *testing.T) {
	s := &Sample{Delay: 30 * time.Millisecond}
	started := time.Now()
	s.Handle(t.Context(), sampleCall(sdk.KindRequest))
	if d := time.Since(started); d < s.Delay {
		t.Errorf("answered after %v", d)
	}
}
