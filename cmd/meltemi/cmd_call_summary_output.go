package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
)

// summary prints what became of many calls. It returns an error if one failed.
func (p callPrinter) summary(s *callSummary) error {
	if s.usage != nil {
		return s.usage
	}
	var err error
	if p.json {
		err = p.summaryJSON(s)
	} else {
		err = p.summaryText(s)
	}
	if err != nil {
		return err
	}
	switch done := s.ok + s.failed; {
	case s.failed > 0:
		return fmt.Errorf("%d of %d calls failed", s.failed, done)
	case done < s.wanted:
		return fmt.Errorf("stopped after %d of %d calls", done, s.wanted)
	}
	return nil
}

func (p callPrinter) summaryText(s *callSummary) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d calls: %s, %s, %.3f s, %.0f calls/s\n", s.ok+s.failed,
		p.style.Good(fmt.Sprintf("%d ok", s.ok)), p.count(s.failed, "failed"),
		s.elapsed.Seconds(), s.rate())
	writeTallies(&b, "servers", ranked(s.servers))
	writeTallies(&b, "errors", ranked(s.errors))
	if len(s.latencies) > 0 {
		fmt.Fprintf(&b, "latency\n  %s\n", s.latencies.text())
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}

func (p callPrinter) count(n int, what string) string {
	text := fmt.Sprintf("%d %s", n, what)
	if n > 0 {
		return p.style.Bad(text)
	}
	return text
}

func (s *callSummary) rate() float64 {
	if s.elapsed <= 0 {
		return 0
	}
	return float64(s.ok+s.failed) / s.elapsed.Seconds()
}

func writeTallies(b *strings.Builder, title string, list []tally) {
	if len(list) == 0 {
		return
	}
	b.WriteString(title + "\n")
	for _, t := range list {
		fmt.Fprintf(b, "  %6d  %s\n", t.count, cli.Printable(t.text))
	}
}

func (p callPrinter) summaryJSON(s *callSummary) error {
	return writeJSON(p.out, struct {
		Calls   int            `json:"calls"`
		OK      int            `json:"ok"`
		Failed  int            `json:"failed"`
		Servers map[string]int `json:"servers"`
		Errors  map[string]int `json:"errors"`
		Seconds float64        `json:"seconds"`
		Latency latencyObject  `json:"latency_ms"`
	}{s.ok + s.failed, s.ok, s.failed, s.servers, s.errors, s.elapsed.Seconds(), s.latencies.object()})
}
