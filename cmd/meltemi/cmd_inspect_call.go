package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/explain"
	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// callText writes what is known of a recorded call beside its messages.
func (p *inspectPrinter) callText(b *strings.Builder, c *explain.Call) {
	fmt.Fprintf(b, "%s  %s  %s  %s, %s\n", p.style.Good(fmt.Sprintf("call %d", c.Number)), c.Time.Format("2006-01-02 15:04:05.000000"),
		cli.Printable(methodText(&c.Call)), cli.Printable(outcomeText(&c.Call)), milliseconds(time.Duration(c.LatencyMS*float64(time.Millisecond))))
	t := table{b: b}
	t.row("codec", c.Codec)
	if c.Kind != format.KindRequest {
		t.row("kind", c.Kind)
	}
	t.row("client", cli.Printable(c.Source))
	t.row("principal", cli.Printable(c.Principal))
	t.row("server", cli.Printable(c.Upstream))
	t.row("cluster", cli.Printable(c.Cluster))
	t.row("route", cli.Printable(c.Route))
	t.row("details", cli.Printable(strings.TrimSpace(c.Details+" "+c.Flags)))
	t.row("redacted", cli.Printable(strings.Join(c.Redacted, ", ")))
	if c.Request == nil || c.Request.Omitted != "" { // no frame shows them
		t.entries("entries", orderedMap(c.Metadata))
	}
	for _, side := range []struct {
		name string
		m    *format.Message
	}{{"request", c.Request}, {"response", c.Response}} {
		if side.m != nil && side.m.Omitted != "" {
			t.row(side.name, fmt.Sprintf("%s, left out (%s)", plural(side.m.Bytes, "byte"), cli.Printable(side.m.Omitted)))
		}
	}
	b.WriteByte('\n')
}

func orderedMap(m map[string]string) sdk.OrderedMap {
	list := make(sdk.OrderedMap, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, sdk.MapEntry{Key: key, Value: m[key]})
	}
	return list
}

// methodText is service and method of a recorded call.
func methodText(c *format.Call) string { return c.Service + "/" + c.Method }

// outcomeText is how a recorded call ended, on one line.
func outcomeText(c *format.Call) string {
	s := c.Status
	switch {
	case s == nil && c.Kind == format.KindOneWay:
		return "sent"
	case s == nil:
		return "no answer"
	}
	text := fmt.Sprintf("%s (status %d)", s.Code, s.Native)
	if s.Cause != "" {
		text = fmt.Sprintf("%s of the proxy (%s)", s.Code, s.Cause)
	}
	if s.Message != "" {
		text += ": " + s.Message
	}
	return text
}
