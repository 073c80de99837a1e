package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/capture"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/explain"
)

// inspectPrinter prints records as they come, and counts them.
type inspectPrinter struct {
	out     io.Writer
	json    bool
	style   cli.Style
	capture bool // the input is a capture
	stats   capture.Stats

	recorded                         bool // the input are recorded calls
	calls, frames, problems, ignored int
	hexLike                          bool // the input begins like hex
	seen                             bool // some of the input
	err                              error
}

// record prints r. A failed write sticks and is returned by finish.
func (p *inspectPrinter) record(r explain.Record) {
	var b strings.Builder
	switch r := r.(type) {
	case *explain.Frame:
		p.frames++
		r.Number = p.frames
		if len(r.Errors) > 0 {
			p.problems++
		}
		p.frameText(&b, r)
	case *explain.Call:
		p.calls++
		p.callText(&b, r)
	case *explain.Problem:
		p.problems++
		p.problemText(&b, r)
	case *explain.Ignored:
		p.ignored++
		fmt.Fprintf(&b, "stream %d  %s > %s: ignored, %s not of this protocol: %s\n\n",
			r.Stream, r.Client, r.Server, plural(int(r.Bytes), "byte"), cli.Printable(r.Reason))
	}
	if p.err != nil {
		return
	}
	if p.json {
		p.err = writeJSON(p.out, r)
		return
	}
	_, p.err = io.WriteString(p.out, b.String())
}

// looksLikeHex remembers whether the input, of which b is the next piece, begins with
// hex digits.
func (p *inspectPrinter) looksLikeHex(b []byte) {
	if p.seen || len(b) == 0 {
		return
	}
	p.seen = true
	start := b[:min(len(b), 64)]
	p.hexLike = len(start) >= 16
	for _, c := range start {
		if !strings.ContainsRune("0123456789abcdefABCDEF: \r\n\t", rune(c)) {
			p.hexLike = false
		}
	}
}

// finish prints the summary and returns the error that decides the exit code. err is
// why the input could not be read to its end, or nil.
func (p *inspectPrinter) finish(err error) error {
	if p.err == nil && !p.json {
		_, p.err = io.WriteString(p.out, p.summary())
	}
	switch {
	case p.err != nil:
		return p.err
	case err != nil:
		return err
	case p.recorded && p.calls == 0 && p.problems == 0:
		return errors.New("no call found")
	case p.frames == 0 && p.hexLike:
		return errors.New("no message found; the input looks like hex: try --hex")
	case p.frames == 0 && !p.recorded:
		return errors.New("no message found")
	case p.problems > 0:
		return fmt.Errorf("%s", plural(p.problems, "problem"))
	}
	return nil
}

func (p *inspectPrinter) summary() string {
	text := plural(p.frames, "message") + ", " + plural(p.problems, "problem")
	if p.recorded {
		text = plural(p.calls, "call") + ", " + text
	}
	if p.capture {
		text += fmt.Sprintf("; %s, %d of TCP", plural(p.stats.Packets, "packet"), p.stats.TCP)
	}
	if p.ignored > 0 {
		text += fmt.Sprintf("; %s ignored", plural(p.ignored, "stream"))
	}
	return text + "\n"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
