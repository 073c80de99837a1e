package sdktest

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// checkBuilding makes calls and answers out of words, as `meltemi call` and `meltemi
// serve` do, and reads them.
func checkBuilding(c *checker) {
	requests, builds := c.Codec.(sdk.RequestBuilder)
	responses, answers := c.Codec.(sdk.ResponseBuilder)
	if builds {
		c.buildsRequests(requests)
	}
	if answers {
		c.calls(func(f *Frame, _ sdk.Codec, m *sdk.Message) {
			if m.Kind == sdk.KindRequest {
				c.buildsResponses(responses, f, m)
			}
		})
	}
	if !builds && !answers {
		c.decline("the codec builds no messages, so `meltemi call` and `meltemi serve` cannot use it")
	}
}

// buildsRequests asks for requests with more and more in them. What a protocol has no
// place for may be an error.
func (c *checker) buildsRequests(builder sdk.RequestBuilder) {
	plain := sdk.Request{ID: 7, Service: "meltemi.test.Service", Method: "method"}
	withTimeout, oneWay, withMetadata := plain, plain, plain
	withTimeout.Timeout = 1500 * time.Millisecond
	oneWay.OneWay = true
	withMetadata.Metadata = entry(newKey, newValue)
	for _, r := range []struct {
		name string
		*sdk.Request
	}{{"a request", &plain}, {"a request with a timeout", &withTimeout}, {"a one-way request", &oneWay}, {"a request with metadata", &withMetadata}} {
		c.tried()
		c.frame = ""
		c.begin("BuildRequest", nil)
		b, err := builder.BuildRequest(space(), *r.Request)
		c.end()
		if err != nil {
			c.note("does not build %s: %v", r.name, err)
			continue
		}
		b = c.behind("BuildRequest", b, nil)
		c.reads(b, sdk.FromClient, r.name+" that it built", func(got *reading) string { return c.builtWrong(r.Request, got) })
	}
}

// builtWrong compares a request with what it was to be.
func (c *checker) builtWrong(want *sdk.Request, got *reading) string {
	kind := sdk.KindRequest
	if want.OneWay {
		kind = sdk.KindOneWay
	}
	switch {
	case got.kind != kind:
		return "is a " + got.kind.String() + ", not a " + kind.String()
	case !c.ordered() && kind == sdk.KindRequest && got.id != want.ID:
		return "has the id " + short(got.id) + " instead of " + short(want.ID)
	case got.service != want.Service && got.service != "":
		return "has the service " + short(got.service)
	case got.method != want.Method:
		return "has the method " + short(got.method)
	case got.timeout != want.Timeout && got.timeout != 0 && want.Timeout != 0:
		return "has the timeout " + got.timeout.String() + " instead of " + want.Timeout.String()
	}
	for _, e := range want.Metadata {
		if got.entries[string(e.Key)] != string(e.Value) {
			return "lacks its metadata"
		}
	}
	return ""
}

// buildsResponses asks for the good and the bad answer to a request.
func (c *checker) buildsResponses(builder sdk.ResponseBuilder, f *Frame, m *sdk.Message) {
	for _, r := range []struct {
		name string
		good bool
		sdk.Response
	}{
		{"an answer", true, sdk.Response{Result: "a result"}},
		{"an empty answer", true, sdk.Response{}},
		{"an exception", false, sdk.Response{Exception: &sdk.Exception{Type: "meltemi.test.Failure", Message: "a text"}}},
	} {
		c.tried()
		c.begin("BuildResponse", f.Bytes)
		b, err := builder.BuildResponse(space(), m, r.Response)
		c.end()
		if err != nil {
			c.note("does not build %s to some requests: %v", r.name, err)
			continue
		}
		b = c.behind("BuildResponse", b, f.Bytes)
		c.reads(b, sdk.FromServer, r.name+" that it built", func(got *reading) string {
			switch {
			case got.kind != sdk.KindResponse:
				return "is a " + got.kind.String()
			case !c.ordered() && got.id != m.ID:
				return "answers another call"
			case (got.code == sdk.OK) != r.good:
				return "reads as status " + got.code.String()
			}
			return ""
		})
	}
}
