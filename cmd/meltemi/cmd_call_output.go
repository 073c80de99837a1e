package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// callPrinter prints results of calls.
type callPrinter struct {
	out   io.Writer
	json  bool
	style cli.Style
}

// single prints one result. It returns an error, which decides the exit code, if the
// call failed.
func (p callPrinter) single(r callResult) error {
	if cli.CodeOf(r.err) == cli.Usage {
		return r.err
	}
	var err error
	switch {
	case p.json:
		err = p.singleJSON(&r)
	case r.err != nil: // there is nothing to print but the error
	case r.reply == nil:
		_, err = fmt.Fprintf(p.out, "%s  %s\n", p.style.Good("sent"), p.style.Faint("one-way, "+milliseconds(r.latency)))
	default:
		err = p.singleText(&r)
	}
	if err != nil || r.ok() {
		return err
	}
	switch {
	case r.err != nil:
		return r.err
	case p.json:
		return errors.New("the call failed: " + failureText(&r))
	}
	return errors.New("the call failed") // how, the output tells
}

func (p callPrinter) singleText(r *callResult) error {
	var b strings.Builder
	status := r.reply.Status
	facts := fmt.Sprintf("status %d, %s", status.Native, milliseconds(r.latency))
	if r.reply.View.Exception == nil && status.Code != sdk.OK {
		facts = milliseconds(r.latency) // the text tells the status
	}
	if r.ok() {
		fmt.Fprintf(&b, "%s  %s\n", p.style.Good("ok"), p.style.Faint(facts))
		title, result := "result", r.reply.View.Result
		if inside, ok := jsonInside(result); ok {
			title, result = "result, JSON in a string", inside
		}
		fmt.Fprintf(&b, "%s\n  %s\n", title, indentJSON(result))
	} else {
		fmt.Fprintf(&b, "%s  %s\n", p.style.Bad(failureText(r)), p.style.Faint(facts))
	}
	if r.reply.ViewErr != nil {
		fmt.Fprintf(&b, "%s %v\n", p.style.Warn("the content cannot be shown:"), r.reply.ViewErr)
	}
	writeEntries(&b, "metadata", r.reply.Metadata)
	_, err := io.WriteString(p.out, b.String())
	return err
}

// writeEntries writes a titled table of entries, or nothing if there are none.
func writeEntries(b *strings.Builder, title string, entries []sdk.Entry) {
	if len(entries) == 0 {
		return
	}
	width := 0
	for _, e := range entries {
		width = max(width, len(cli.Printable(string(e.Key))))
	}
	b.WriteString(title + "\n")
	for _, e := range entries {
		value := cli.Printable(string(e.Value))
		if value == "" {
			value = `""`
		}
		fmt.Fprintf(b, "  %-*s  %s\n", width, cli.Printable(string(e.Key)), value)
	}
}

// failureText says what went wrong with a call, on one line.
func failureText(r *callResult) string {
	if r.err != nil {
		return r.err.Error()
	}
	if x := r.reply.View.Exception; x != nil {
		return cli.Printable(fmt.Sprintf("exception %s: %s", x.Type, x.Message))
	}
	s := r.reply.Status
	if len(s.Message) == 0 {
		return fmt.Sprintf("%v (status %d)", s.Code, s.Native)
	}
	return fmt.Sprintf("%v (status %d): %s", s.Code, s.Native, cli.Printable(string(s.Message)))
}

func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 1:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.3f ms", ms)
}
