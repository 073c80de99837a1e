package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/explain"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// maxShown is how many bytes of a value the text output shows.
const maxShown = 2000

func (p *inspectPrinter) frameText(b *strings.Builder, f *explain.Frame) {
	fmt.Fprintf(b, "%s  %s  %s\n", p.style.Good(fmt.Sprintf("message %d", f.Number)), placeText(&f.Place), plural(f.Size, "byte"))
	t := table{b: b}
	t.row("kind", f.Kind)
	t.row("id", strconv.FormatUint(f.ID, 10))
	t.row("service", cli.Printable(f.Service))
	t.row("method", cli.Printable(f.Method))
	if f.TimeoutMS > 0 {
		t.row("timeout", time.Duration(f.TimeoutMS*float64(time.Millisecond)).String())
	}
	if s := f.Status; s != nil {
		text := fmt.Sprintf("%d (%s)", s.Native, s.Code)
		if s.Message != "" {
			text += ": " + cli.Printable(s.Message)
		}
		t.row("status", text)
	}
	t.entries("fields", f.Fields)
	t.entries("entries", f.Entries)
	for i, a := range f.Arguments {
		t.row(fmt.Sprintf("arg %d", i+1), strings.TrimSpace(cli.Printable(a.Type)+"  "+shorten(string(a.Value))))
	}
	t.entries("paths", foundText(f.Paths))
	if f.Result != nil {
		t.row("result", shorten(string(f.Result)))
	}
	if x := f.Exception; x != nil {
		t.row("exception", cli.Printable(x.Type+": "+x.Message))
	}
	for _, e := range f.Errors {
		t.row("error", p.style.Bad(cli.Printable(e.Text)))
		contextText(b, e.Context)
	}
	b.WriteByte('\n')
}

// foundText is what paths lead to, for people.
func foundText(list []explain.Found) (entries sdk.OrderedMap) {
	for _, f := range list {
		text := "(nothing)"
		switch {
		case f.Error != "":
			text = "(" + f.Error + ")"
		case f.Value != nil:
			text = *f.Value
		}
		entries = append(entries, sdk.MapEntry{Key: f.Path, Value: text})
	}
	return entries
}

func (p *inspectPrinter) problemText(b *strings.Builder, r *explain.Problem) {
	fmt.Fprintf(b, "%s  %s: %s\n", p.style.Bad("problem"), placeText(&r.Place), cli.Printable(r.Fault.Text))
	contextText(b, r.Fault.Context)
	if r.Skipped > 0 {
		fmt.Fprintf(b, "  skipped %s\n", plural(int(r.Skipped), "byte"))
	}
	b.WriteByte('\n')
}

func contextText(b *strings.Builder, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(b, "    %s\n", line)
	}
}

func placeText(p *explain.Place) string {
	text := fmt.Sprintf("from %s at offset %d", p.From, p.Offset)
	switch {
	case p.Call > 0 && p.From != "":
		text = fmt.Sprintf("call %d  from %s", p.Call, p.From)
	case p.Call > 0:
		text = fmt.Sprintf("call %d, line %d", p.Call, p.Line)
	case p.Line > 0:
		text = fmt.Sprintf("line %d", p.Line)
	}
	if p.Stream > 0 {
		text = fmt.Sprintf("stream %d  %s > %s  ", p.Stream, p.Client, p.Server) + text
	}
	if p.Time != nil {
		text += p.Time.Format("  15:04:05.000000")
	}
	return text
}

// table writes aligned names and values.
type table struct{ b *strings.Builder }

func (t table) row(name, value string) {
	if value != "" {
		fmt.Fprintf(t.b, "  %-9s  %s\n", name, value)
	}
}

func (t table) entries(name string, list sdk.OrderedMap) {
	width := 0
	for _, e := range list {
		width = max(width, len(keyText(e)))
	}
	for _, e := range list {
		value := shorten(fmt.Sprint(e.Value))
		if value == "" {
			value = `""`
		}
		fmt.Fprintf(t.b, "  %-9s  %-*s  %s\n", name, width, keyText(e), value)
		name = ""
	}
}

func keyText(e sdk.MapEntry) string { return cli.Printable(fmt.Sprint(e.Key)) }

// shorten is s as a terminal may show it, cut to what fits on a screen.
func shorten(s string) string {
	if len(s) <= maxShown {
		return cli.Printable(s)
	}
	return cli.Printable(strings.ToValidUTF8(s[:maxShown], "")) + fmt.Sprintf(" ... (%d bytes, -o json shows all)", len(s))
}
