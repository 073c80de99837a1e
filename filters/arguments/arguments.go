package arguments

import (
	"errors"
	"fmt"
	"iter"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Definition is what shared libraries list.
func Definition() filter.Definition {
	return filter.Definition{
		Name:        "arguments",
		Summary:     "shows arguments of calls to routes and policies",
		Schema:      schema,
		RouteSchema: schema,
		// Without RouteConfigs, which may be lacking, each call has the entries of the place.
		Needs:    []filter.Capability{filter.ReadPayload, filter.Statistics},
		New:      newFilter,
		NewRoute: func(config []byte) (any, error) { return newList(config) },
	}
}

// arguments is the filter.
type arguments struct {
	list    *list
	values  filter.Counter
	refused filter.Counter
}

func newFilter(config []byte, h filter.Host) (filter.Filter, error) {
	l, err := newList(config)
	if err != nil {
		return nil, err
	}
	for i := range l.entries {
		if err := h.CheckPath(&l.entries[i].Path); err != nil {
			return nil, fmt.Errorf("entries[%d]: %w", i, err)
		}
	}
	return &arguments{list: l, values: h.Counter("values_total", "name", "result"), refused: h.Counter("refused_total", "name")}, nil
}

// Payload implements filter.PayloadReader.
func (*arguments) Payload() (request, response bool) { return true, false }

// Begin implements filter.Filter.
func (f *arguments) Begin(c filter.Call) filter.Handler {
	h := handler{arguments: f}
	h.route, _ = c.RouteConfig().(*list)
	if !h.concerns(c) {
		return nil
	}
	return h
}

// handler is the filter's part in one call.
type handler struct {
	filter.Base

	*arguments
	route *list // of the call's route, in place of the filter's; nil if it has none
}

// chosen are the entries that decide about the call.
func (h handler) chosen() *list {
	if h.route != nil {
		return h.route
	}
	return h.list
}

// concerns reports whether an entry is to be set, or taken away.
func (h handler) concerns(c filter.Call) bool {
	service, method := c.Service(), c.Method()
	for _, name := range h.chosen().names {
		if h.chosen().of(name, service, method) != nil {
			return true
		}
	}
	local := c.Local()
	for name := range h.names() {
		if _, set := local.Get(name); set {
			return true
		}
	}
	return false
}

// names are those that nobody else may set. One may come twice.
func (h handler) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, name := range h.list.names {
			if !yield(name) {
				return
			}
		}
		if h.route == nil {
			return
		}
		for _, name := range h.route.names {
			if !yield(name) {
				return
			}
		}
	}
}

// Request implements filter.Handler.
func (h handler) Request(c filter.Call) filter.Verdict {
	local := c.Local()
	for name := range h.names() {
		local.Remove(name)
	}
	for _, name := range h.chosen().names {
		e := h.chosen().of(name, c.Service(), c.Method())
		if e == nil {
			continue
		}
		if err := h.show(c, e); err != nil {
			h.refused.Add(c, 1, name)
			return filter.Reply(sdk.Failure{Cause: sdk.CauseDenied, Message: fmt.Sprintf("argument %s: %v", name, err)})
		}
	}
	return filter.Continue
}

var errMissing = errors.New("missing")

// show sets an entry to its argument. An error refuses the call.
func (h handler) show(c filter.Call, e *entry) error {
	value, ok, err := c.Argument(&e.Path)
	result, becomes := "read", skip
	switch {
	case err != nil:
		result, becomes = "unreadable", e.Unreadable
	case !ok || value == "": // headers cannot be empty
		result, becomes, err = "missing", e.Missing, errMissing
	case len(value) > *e.MaxBytes:
		result, becomes, err = "too_long", e.Unreadable, fmt.Errorf("%d bytes are more than %d", len(value), *e.MaxBytes)
	default:
		c.Local().Set(e.Name, value)
	}
	h.values.Add(c, 1, e.Name, result)
	if becomes == refuse {
		return err
	}
	return nil
}
