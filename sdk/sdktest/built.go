package sdktest

import (
	"errors"
	"fmt"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Built are messages that the codec makes itself, for a first look where no captures are
// at hand: calls and answers (sdk.RequestBuilder, sdk.ResponseBuilder), heartbeats and
// go-aways. They prove less than messages of another implementation, since a codec may
// read its own mistakes.
func Built(codec sdk.Codec) (frames []Frame, err error) {
	requests, ok := codec.(sdk.RequestBuilder)
	if !ok {
		return nil, fmt.Errorf("codec %s builds no requests (sdk.RequestBuilder): frames of another implementation are needed", codec.Name())
	}
	defer func() {
		if p := recover(); p != nil {
			frames, err = nil, fmt.Errorf("codec %s panicked while it built a message: %v", codec.Name(), p)
		}
	}()
	full := sdk.Request{ID: 7, Service: "meltemi.test.Service", Method: "method", Metadata: entry("tenant", "blue"), Timeout: time.Second}
	plain := sdk.Request{ID: 8, Service: full.Service, Method: full.Method}
	oneWay := plain
	oneWay.OneWay = true
	var problems []error
	add := func(name string, from sdk.Side, kind sdk.Kind, b []byte, err error) {
		if err != nil || len(b) == 0 {
			problems = append(problems, err) // what a protocol has no place for
			return
		}
		frames = append(frames, Frame{Name: name, From: from, Kind: kind, Bytes: b})
	}
	for _, r := range []struct {
		name string
		kind sdk.Kind
		what *sdk.Request
	}{{"request", sdk.KindRequest, &plain}, {"request-full", sdk.KindRequest, &full}, {"oneway", sdk.KindOneWay, &oneWay}} {
		b, err := requests.BuildRequest(nil, *r.what)
		add(r.name, sdk.FromClient, r.kind, b, err)
	}
	if len(frames) == 0 {
		return nil, errors.Join(problems...)
	}
	if responses, ok := codec.(sdk.ResponseBuilder); ok {
		m := &sdk.Message{}
		if _, err := codec.Decode(sdk.FromClient, frames[0].Bytes, m); err != nil {
			return nil, fmt.Errorf("codec %s does not read its own request: %w", codec.Name(), err)
		}
		m.Bytes = frames[0].Bytes
		if err := codec.Metadata(m); err != nil {
			return nil, fmt.Errorf("codec %s does not read its own request: %w", codec.Name(), err)
		}
		b, err := responses.BuildResponse(nil, m, sdk.Response{Result: "a result"})
		add("response", sdk.FromServer, sdk.KindResponse, b, err)
		b, err = responses.BuildResponse(nil, m, sdk.Response{Exception: &sdk.Exception{Type: "meltemi.test.Failure", Message: "it failed"}})
		add("response-exception", sdk.FromServer, sdk.KindResponse, b, err)
	}
	if p, ok := codec.(sdk.Prober); ok {
		add("heartbeat", sdk.FromClient, sdk.KindHeartbeat, p.Heartbeat(nil, 1), nil)
	}
	if g, ok := codec.(sdk.GoAwayer); ok {
		add("go-away", sdk.FromServer, sdk.KindGoAway, g.GoAway(nil), nil)
	}
	return frames, nil
}
