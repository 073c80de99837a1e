// Package probe is the filter with which hosts of filters are tested: it does what the
// metadata of a call tells it.
package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Name is the name of the probe.
const Name = "probe"

// The metadata entries that tell the probe what to do with a call: commands with ';'
// between them, each a word, and ':' before what it needs.
const (
	KeyRequest  = "do"
	KeyResponse = "do-response"
)

// plenty is the limit of waits that end by themselves, on a busy machine too.
const plenty = 20 * time.Second

// Definition returns the probe. Calls without the entry KeyRequest or KeyResponse are
// none of its business, unless its configuration says {"all": true}.
func Definition() filter.Definition {
	return filter.Definition{
		Name:        Name,
		Summary:     "the filter with which hosts are tested",
		Schema:      `{"type":"object","properties":{"all":{"type":"boolean"},"payload":{"type":"boolean"},"mark":{"type":"string"}}}`,
		RouteSchema: `{"type":"object","properties":{"mark":{"type":"string"}}}`,
		New:         newProbe,
		NewRoute: func(config []byte) (any, error) {
			r := &routeConfig{}
			return r, sdk.ParseConfig(config, r)
		},
	}
}

type routeConfig struct {
	Mark string `json:"mark"`
}

// probe is what New makes.
type probe struct {
	All  bool   `json:"all"`
	Read bool   `json:"payload"`
	Mark string `json:"mark"`
	// Needs makes New fail as a filter does that is configured badly.
	Needs string `json:"needs"`
	// Twice defines a metric twice.
	Twice bool `json:"twice"`

	host filter.Host

	kept           atomic.Pointer[[]byte] // the message that answer answers with
	requests, ends filter.Counter
	open           filter.Gauge
	latency        filter.Histogram
}

func newProbe(config []byte, h filter.Host) (filter.Filter, error) {
	p := &probe{host: h}
	if err := sdk.ParseConfig(config, p); err != nil {
		return nil, err
	}
	if p.Needs != "" {
		return nil, errors.New("needs: the probe has no " + p.Needs)
	}
	p.requests = h.Counter("requests_total")
	p.ends = h.Counter("ends_total", "method", "code")
	p.open = h.Gauge("open")
	p.latency = h.Histogram("latency_ms", "method")
	if p.Twice {
		h.Counter("requests_total")
	}
	return p, nil
}

// Closed is what the probe logs when it is closed.
const Closed = "the probe is closed"

// Close implements filter.Closer.
func (p *probe) Close() { p.host.Log(filter.Info, Closed) }

// Payload implements filter.PayloadReader.
func (p *probe) Payload() (request, response bool) { return p.Read, p.Read }

// Begin implements filter.Filter.
func (p *probe) Begin(c filter.Call) filter.Handler {
	onRequest, a := c.Metadata().Get(KeyRequest)
	onResponse, b := c.Metadata().Get(KeyResponse)
	if !a && !b && !p.All {
		return nil
	}
	p.open.Add(c, 1)
	p.requests.Add(c, 1)
	return &handler{probe: p, onRequest: onRequest, onResponse: onResponse}
}

// handler is the probe's part in one call.
type handler struct {
	*probe
	onRequest, onResponse string
}

// Request implements filter.Handler.
func (h *handler) Request(c filter.Call) filter.Verdict {
	if h.Mark != "" {
		c.Metadata().Set("mark", h.Mark)
	}
	return h.do(c, c.Metadata(), h.onRequest)
}

// Response implements filter.Handler.
func (h *handler) Response(c filter.Call) filter.Verdict {
	return h.do(c, c.ResponseMetadata(), h.onResponse)
}

// End implements filter.Handler.
func (h *handler) End(c filter.Call, o filter.Outcome) {
	h.open.Add(c, -1)
	code := "none"
	if o.Answered {
		code = o.Status.Code.String()
	}
	h.ends.Add(c, 1, c.Method(), code)
	h.latency.Record(c, uint64(o.Duration.Milliseconds()), c.Method()) //nolint:gosec // it is not negative
	if strings.Contains(h.onRequest, "log-end") {
		c.Log(filter.Info, "end %s answered=%t code=%v cause=%v local=%t native=%d upstream=%t flags=%q details=%q bytes=%d/%d",
			c.Method(), o.Answered, o.Status.Code, o.Status.Cause, o.Status.Local, o.Status.Native, o.Upstream != "",
			o.Flags, o.Details, o.RequestBytes, o.ResponseBytes)
	}
	if strings.Contains(h.onRequest, "panic-end") {
		panic("at the end")
	}
}

// do carries out commands, the rest of them after each that waits.
func (h *handler) do(c filter.Call, m filter.Metadata, commands string) filter.Verdict {
	for commands != "" {
		var command string
		command, commands, _ = strings.Cut(commands, ";")
		rest := commands
		word, argument, _ := strings.Cut(command, ":")
		if v, done := h.one(c, m, word, argument, func(c filter.Call) filter.Verdict { return h.do(c, m, rest) }); done {
			return v
		}
	}
	return filter.Continue
}

// one carries out one command. then goes on with the next after a command that waits.
func (h *handler) one(c filter.Call, m filter.Metadata, word, argument string, then filter.Then) (v filter.Verdict, done bool) {
	key, value, _ := strings.Cut(argument, "=")
	switch word {
	case "set":
		m.Set(key, value)
	case "add":
		m.Set(key+"-was-added", strconv.FormatBool(m.Add(key, value)))
	case "remove":
		m.Remove(argument)
	case "local":
		c.Local().Set(key, value)
	case "method":
		c.SetMethod(key, value)
	case "facts":
		h.facts(c, m)
	case "note":
		c.SetDynamicMetadata(key, value)
		c.SetDynamicNumber("number", 7)
	case "tag":
		c.Tag(key, value)
	case "arguments":
		h.arguments(c, m)
	case "result":
		v, err := c.ResponseView()
		m.Set("result", about(v.Result, err))
	case "keep":
		h.kept.Store(new(bytes.Clone(c.ResponsePayload())))
	case "panic":
		panic("a probe that was told to")
	default:
		return h.verdict(c, m, word, argument, then)
	}
	return v, false
}

// verdict carries out a command that ends the hook.
func (h *handler) verdict(c filter.Call, m filter.Metadata, word, argument string, then filter.Then) (v filter.Verdict, done bool) {
	limit, body, _ := strings.Cut(argument, ",")
	d, _ := time.ParseDuration(limit) // zero is as good as an error
	late := filter.Reply(sdk.Failure{Cause: sdk.CauseTimeout, Message: "the probe waited too long"})
	switch word {
	case "reply":
		for _, cause := range sdk.Causes() {
			if cause.String() == argument {
				return filter.Reply(sdk.Failure{Cause: cause, Message: "probe: " + argument}), true
			}
		}
	case "reset":
		return filter.Reset, true
	case "answer":
		return filter.Answer(*h.kept.Load()), true
	case "go": // work for a time, within another
		took, _ := time.ParseDuration(body)
		return c.Go(d, late, func(ctx context.Context) filter.Then {
			sleep(ctx, took)
			return then
		}), true
	case "go-panic":
		return c.Go(plenty, late, func(context.Context) filter.Then { panic("work that was told to") }), true
	case "pause": // until somebody else resumes, twice
		p := c.Pause(d, late)
		go func() {
			p.Resume(then)
			p.Resume(func(filter.Call) filter.Verdict { return filter.Reset })
		}()
		return filter.Paused, true
	case "never":
		c.Pause(d, late)
		return filter.Paused, true
	case "http":
		return c.HTTP(limit, filter.HTTPRequest{Path: "/check", Headers: [][2]string{{"x-method", c.Method()}}, Body: []byte(body), Limit: plenty},
			func(c filter.Call, r filter.HTTPResponse, err error) filter.Verdict {
				if err != nil {
					return filter.Reply(sdk.Failure{Cause: sdk.CauseDenied, Message: err.Error()})
				}
				c.Metadata().Set("http", fmt.Sprintf("%d %s %s", r.Status, r.Header("x-check"), r.Body))
				return then(c)
			}), true
	case "grpc", "grpc-length":
		return h.grpc(c, m, word, limit, body, then), true
	case "paused-for-nothing":
		return filter.Paused, true
	case "unwanted-pause":
		c.Pause(plenty, late)
		return filter.Continue, true
	}
	return v, false
}

// facts shows the server what the probe was told of the call.
func (h *handler) facts(c filter.Call, m filter.Metadata) {
	mark := ""
	if r, ok := c.RouteConfig().(*routeConfig); ok {
		mark = r.Mark
	}
	m.Set("facts", fmt.Sprintf("codec=%s kind=%v service=%s method=%s timeout=%t route=%s cluster=%s mark=%s source=%t destination=%t principal=%s",
		c.Codec(), c.Kind(), c.Service(), c.Method(), c.Timeout() > 0, c.Route(), c.Cluster(), mark,
		c.Source() != "", c.Destination() != "", c.Principal()))
}

func (h *handler) arguments(c filter.Call, m filter.Metadata) {
	list, err := c.Arguments()
	if err != nil {
		m.Set("arguments", "error: "+err.Error())
		return
	}
	for i, a := range list {
		m.Set("argument-"+strconv.Itoa(i), about(a.Value, nil))
	}
}

// about is a value in a few words: how long it is and how it begins.
func about(v any, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	text := fmt.Sprint(v)
	return fmt.Sprintf("%d %s", len(text), text[:min(len(text), 10)])
}

// sleep is the work of a goroutine.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
