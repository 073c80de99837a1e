package filtertest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// reader is a filter that notes the argument at a path, before and after it has waited.
type reader struct {
	filter.Base

	path    sdk.Path
	payload bool
}

func (r reader) Payload() (request, response bool) { return r.payload, false }

func (r reader) Begin(filter.Call) filter.Handler { return r }

func (r reader) Request(c filter.Call) filter.Verdict {
	r.note(c, "before")
	return c.Go(time.Second, filter.Continue, func(context.Context) filter.Then {
		return func(c filter.Call) filter.Verdict {
			r.note(c, "after")
			return filter.Continue
		}
	})
}

func (r reader) Response(c filter.Call) filter.Verdict {
	r.note(c, "late")
	return filter.Continue
}

func (r reader) note(c filter.Call, when string) {
	value, ok, err := c.Argument(&r.path)
	c.SetDynamicMetadata(when, fmt.Sprint(value, " ", ok, " ", err))
}

func readerDefinition(payload bool) filter.Definition {
	return filter.Definition{Name: "reader", New: func(config []byte, h filter.Host) (filter.Filter, error) {
		r := reader{payload: payload}
		var s struct{ Path sdk.Path }
		if err := sdk.ParseConfig(config, &s); err != nil {
			return nil, err
		}
		r.path = s.Path
		return r, h.CheckPath(&r.path)
	}}
}

func TestArgument(t *testing.T) {
	request := filtertest.Request{Arguments: []any{map[string]any{"id": "blue", "list": []any{1, 2}}, nil}}
	for path, want := range map[string]string{
		"0.id": "blue true <nil>", "0.list.1": "2 true <nil>", "0.list.2": " false <nil>", "0.none.id": " false <nil>", "1": " false <nil>",
		"0": " false malformed: arguments: no single value", "0.id.x": " false malformed: arguments: no single value",
	} {
		h := filtertest.New(t, readerDefinition(true), `{"path": "`+path+`"}`)
		c := h.Begin(request)
		c.Wait()
		c.Respond(filtertest.Response{})
		got := c.End().Dynamic
		for _, when := range []string{"before", "after"} {
			if got[when] != want {
				t.Errorf("%s %s: %q, want %q", path, when, got[when], want)
			}
		}
		if late, _ := got["late"].(string); !strings.Contains(late, "the message is not there") {
			t.Errorf("%s, when the request is gone: %q", path, late)
		}
	}
}

func TestArgumentWithoutPayload(t *testing.T) {
	h := filtertest.New(t, readerDefinition(false), `{"path": "0"}`)
	c := h.Begin(filtertest.Request{Arguments: []any{"x"}})
	c.Wait()
	if got, _ := c.End().Dynamic["before"].(string); !strings.Contains(got, "PayloadReader") {
		t.Errorf("%q", got)
	}
}

// TestArgumentOfACodecThatFindsNone: a path that one of the codecs knows is accepted, and
// calls of the others have no arguments.
func TestArgumentOfACodecThatFindsNone(t *testing.T) {
	h := filtertest.New(t, readerDefinition(true), `{"path": "0"}`, filtertest.WithCodecs(testcodec.Definition()))
	message := testcodec.Append(nil, testcodec.Message{Kind: sdk.KindRequest, ID: 1, Service: "s", Method: "m"})
	c := h.Begin(filtertest.Request{Codec: "toy", Service: "s", Method: "m", Payload: message})
	c.Wait()
	if got, _ := c.End().Dynamic["before"].(string); !strings.Contains(got, "the codec finds no arguments") {
		t.Errorf("%q", got)
	}
	if _, err := filtertest.Try(t, readerDefinition(true), `{"path": "x"}`, filtertest.WithCodecs(testcodec.Definition())); err == nil ||
		!strings.Contains(err.Error(), "codec words: path \"x\"") || !strings.Contains(err.Error(), "codec toy: the codec finds no arguments") {
		t.Errorf("%v", err)
	}
}
