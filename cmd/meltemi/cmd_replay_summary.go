package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
)

// replaySummary is the JSON of the summary.
type replaySummary struct {
	Type string `json:"type"`
	replayMethod
	StatusOnly int             `json:"status_only,omitempty"`
	LeftOut    int             `json:"left_out,omitempty"`
	Problems   int             `json:"problems,omitempty"`
	Redacted   []string        `json:"redacted,omitempty"`
	Seconds    float64         `json:"seconds"`
	LatencyMS  latencyObject   `json:"latency_ms"`
	Methods    []*replayMethod `json:"methods"`
}

// finish prints the summary and returns the error that decides the exit code. err is why
// the files could not be replayed to their end, or nil.
func (p *replayPrinter) finish(err error) error {
	slices.SortFunc(p.methods, func(a, b *replayMethod) int {
		return strings.Compare(a.Service+"/"+a.Method, b.Service+"/"+b.Method)
	})
	slices.Sort(p.missing)
	if p.json {
		s := replaySummary{
			Type: "summary", replayMethod: p.total, StatusOnly: p.statusOnly, LeftOut: p.without, Problems: p.problems,
			Redacted: p.missing, Seconds: p.elapsed.Seconds(), LatencyMS: p.latencies.object(), Methods: p.methods,
		}
		p.line(s)
	} else {
		p.text(p.summary())
	}
	switch {
	case p.err != nil:
		return p.err
	case err != nil:
		return err
	case p.total.Calls == 0 && p.problems == 0:
		return errors.New("no call was sent")
	case p.total.Failed+p.total.Different > 0:
		return fmt.Errorf("%d of %s %s", p.total.Failed+p.total.Different, plural(p.total.Calls, "call"), p.wrong())
	case p.problems > 0:
		return errors.New(plural(p.problems, "problem"))
	}
	return nil
}

// wrong says what became of those that are not as they should be.
func (p *replayPrinter) wrong() string {
	if p.diff {
		return "differ or failed"
	}
	return "failed"
}

func (p *replayPrinter) summary() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	good, last := "OK", ""
	if p.diff {
		good, last = "SAME", "\tDIFFERENT\tUNCOMPARED"
	}
	_, _ = fmt.Fprintf(w, "METHOD\tCALLS\t%s%s\tFAILED\n", good, last) // memory
	for _, m := range p.methods {
		different := ""
		if p.diff {
			different = fmt.Sprintf("\t%d\t%d", m.Different, m.Uncompared)
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d%s\t%d\n", cli.Printable(m.Service+"/"+m.Method), m.Calls, m.OK, different, m.Failed)
	}
	_ = w.Flush()
	p.pathsText(&b)
	rate := 0.0
	if p.elapsed > 0 {
		rate = float64(p.total.Calls) / p.elapsed.Seconds()
	}
	fmt.Fprintf(&b, "\n%s, %.3f s, %.0f calls/s\n", plural(p.total.Calls, "call"), p.elapsed.Seconds(), rate)
	if len(p.latencies) > 0 {
		fmt.Fprintf(&b, "latency %s\n", p.latencies.text())
	}
	note := func(n int, what string) {
		if n > 0 {
			fmt.Fprintf(&b, "%s %s\n", plural(n, "call"), what)
		}
	}
	note(p.statusOnly, "compared by status alone: the recorded answer was left out")
	note(p.without, "left out: the file has no message of them")
	if p.missingOf > 0 {
		fmt.Fprintf(&b, "%s %s sent without what was redacted (%s): --set puts it back\n", p.style.Warn("warning:"),
			plural(p.missingOf, "call"), cli.Printable(strings.Join(p.missing, ", ")))
	}
	return b.String()
}

// pathsText tells where answers differ, which is what --ignore takes.
func (p *replayPrinter) pathsText(b *strings.Builder) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	if p.total.Different > 0 {
		_, _ = fmt.Fprint(w, "\nDIFFERENCE IN\tWHERE\tCALLS\n") // memory
	}
	for _, m := range p.methods {
		for _, t := range ranked(m.Paths) {
			_, _ = fmt.Fprintf(w, "%s/%s\t%s\t%d\n", cli.Printable(m.Service), cli.Printable(m.Method), cli.Printable(t.text), t.count)
		}
	}
	_ = w.Flush()
}
