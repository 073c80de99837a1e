package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/answers"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/filters/record/format"
)

const (
	// shownCalls is how many calls of a method the text output shows that differ or fail,
	// shownLines how many differences of a call.
	shownCalls = 5
	shownLines = 20
	// maxReplayMethods bounds the methods that are counted apart.
	maxReplayMethods = 1000
	// maxPaths bounds the places at which answers to a method differ, likewise.
	maxPaths = 100
)

// replayPrinter prints what differs and fails as it comes, and counts. Several goroutines
// may call its methods at once.
type replayPrinter struct {
	out     io.Writer
	json    bool
	diff    bool
	set     []string
	style   cli.Style
	elapsed time.Duration

	mu         sync.Mutex
	methods    []*replayMethod
	known      map[[2]string]*replayMethod
	total      replayMethod
	statusOnly int // calls of whose recorded answer there is the status alone
	without    int // calls that had no recorded message
	problems   int
	missing    []string // names of redacted entries that --set does not put back
	missingOf  int      // calls that lack them
	latencies  latencies
	err        error // of the output
}

// replayMethod counts the calls of a method.
type replayMethod struct {
	Service   string `json:"service,omitempty"`
	Method    string `json:"method,omitempty"`
	Calls     int    `json:"calls"`
	OK        int    `json:"ok"`
	Different int    `json:"different"`
	// Uncompared are calls of which nothing was recorded that an answer could be compared
	// with: the recorded call had none, or is a one-way call.
	Uncompared int `json:"uncompared,omitempty"`
	Failed     int `json:"failed"`
	// Paths are how many calls differ where; list items count as one place.
	Paths map[string]int `json:"paths,omitempty"`
}

var itemIndex = regexp.MustCompile(`\[\d+\]`)

// countPaths notes where a call differs.
func (m *replayMethod) countPaths(list []answers.Difference) {
	seen := map[string]bool{}
	for _, d := range list {
		path := itemIndex.ReplaceAllString(d.Path, "[*]")
		if _, known := m.Paths[path]; !known && len(m.Paths) >= maxPaths {
			path = "other paths"
		}
		if seen[path] {
			continue
		}
		seen[path] = true
		if m.Paths == nil {
			m.Paths = map[string]int{}
		}
		m.Paths[path]++
	}
}

func newReplayPrinter(out io.Writer, o *replayOptions) *replayPrinter {
	return &replayPrinter{
		out: out, json: o.output == "json", diff: o.diff, set: o.set, style: cli.StyleFor(out), known: map[[2]string]*replayMethod{},
	}
}

// method returns the counts of a method.
func (p *replayPrinter) method(c *format.Call) *replayMethod {
	key := [2]string{c.Service, c.Method}
	m := p.known[key]
	if m == nil && len(p.methods) >= maxReplayMethods {
		key = [2]string{"other", "methods"}
		m = p.known[key]
	}
	if m == nil {
		m = &replayMethod{Service: key[0], Method: key[1]}
		p.known[key], p.methods = m, append(p.methods, m)
	}
	return m
}

// replayFailure is the JSON of a call that got no answer, or not the one that it should;
// with differences that of one whose answer differs.
type replayFailure struct {
	Type        string               `json:"type"`
	File        string               `json:"file,omitempty"`
	Line        int                  `json:"line"`
	Service     string               `json:"service"`
	Method      string               `json:"method"`
	Error       string               `json:"error,omitempty"`
	Differences []answers.Difference `json:"differences,omitempty"`
}

// result counts a call, and prints it if it is not as it should be.
func (p *replayPrinter) result(r *replayResult) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.method(r.call)
	if r.err == nil && r.call.Kind == format.KindRequest {
		p.latencies = append(p.latencies, r.latency)
		if p.diff && r.compared && !r.whole {
			p.statusOnly++
		}
	}
	shown := m.Different + m.Failed
	m.countPaths(r.differences)
	f := replayFailure{File: r.file, Line: r.line, Service: r.call.Service, Method: r.call.Method, Differences: r.differences}
	for _, count := range []*replayMethod{m, &p.total} {
		count.Calls++
		switch {
		case r.err != nil:
			f.Type, f.Error = "failure", r.err.Error()
			count.Failed++
		case len(r.differences) > 0:
			f.Type = "difference"
			count.Different++
		case p.diff && !r.compared:
			count.Uncompared++
		default:
			count.OK++
		}
	}
	switch {
	case f.Type == "":
	case p.json:
		p.line(f)
	case shown < shownCalls:
		p.text(p.failureText(r, &f))
	case shown == shownCalls:
		p.text(p.style.Faint("more of "+cli.Printable(methodText(r.call))+" are only counted; -o json shows all") + "\n\n")
	}
}

func (p *replayPrinter) failureText(r *replayResult, f *replayFailure) string {
	var b strings.Builder
	head := fmt.Sprintf("%s  %s\n", r.place(), cli.Printable(methodText(r.call)))
	if f.Error != "" {
		fmt.Fprintf(&b, "%s  %s  %s\n\n", p.style.Bad("failed"), head, cli.Printable(f.Error))
		return b.String()
	}
	fmt.Fprintf(&b, "%s  %s", p.style.Warn("different"), head)
	for i, d := range f.Differences {
		if i == shownLines {
			fmt.Fprintf(&b, "  %s\n", p.style.Faint(fmt.Sprintf("and %d more", len(f.Differences)-i)))
			break
		}
		if d.Recorded != nil {
			fmt.Fprintf(&b, "  %s\n", p.style.Bad("- "+cli.Printable(d.Path)+": "+shorten(*d.Recorded)))
		}
		if d.Got != nil {
			fmt.Fprintf(&b, "  %s\n", p.style.Good("+ "+cli.Printable(d.Path)+": "+shorten(*d.Got)))
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// replayProblem is the JSON of a line that cannot be replayed.
type replayProblem struct {
	Type  string `json:"type"`
	File  string `json:"file,omitempty"`
	Line  int    `json:"line"`
	Error string `json:"error"`
}

func (p *replayPrinter) problem(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems++
	if p.json {
		p.line(replayProblem{"problem", j.file, j.line, j.bad.Error()})
		return
	}
	p.text(fmt.Sprintf("%s  %s: %s\n\n", p.style.Bad("problem"), j.place(), cli.Printable(j.bad.Error())))
}

// leftOut counts a call whose message was not recorded.
func (p *replayPrinter) leftOut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.without++
}

// redacted notes what was taken out of a call that is sent, and that --set does not put
// back.
func (p *replayPrinter) redacted(c *format.Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	counted := false
	for _, name := range c.Redacted {
		back := slices.ContainsFunc(p.set, func(s string) bool {
			key, _, _ := strings.Cut(s, "=")
			return strings.EqualFold(key, name)
		})
		if back {
			continue
		}
		if !counted {
			counted = true
			p.missingOf++
		}
		if !slices.Contains(p.missing, name) {
			p.missing = append(p.missing, name)
		}
	}
}

func (p *replayPrinter) text(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.out, s)
	}
}

func (p *replayPrinter) line(v any) {
	if p.err == nil {
		p.err = writeJSON(p.out, v)
	}
}
