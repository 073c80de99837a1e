package sdktest

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Report is what came of the checks, in their order.
type Report struct {
	Codec   string   `json:"codec"`
	Frames  int      `json:"frames"`
	Results []Result `json:"results"`
}

// Verdict is the outcome of a check.
type Verdict string

// The outcomes.
const (
	Passed   Verdict = "passed"
	Failed   Verdict = "failed"
	Declined Verdict = "declined" // the codec says that it does not do this
)

// Result is the outcome of one check over all frames.
type Result struct {
	Check    string    `json:"check"`
	Verdict  Verdict   `json:"verdict"`
	Cases    int       `json:"cases"`           // how many situations were tried
	Notes    []string  `json:"notes,omitempty"` // what the codec declines, what was measured
	Failures []Failure `json:"failures,omitempty"`
}

// Failure is one situation in which the codec broke its contract.
type Failure struct {
	Frame   string `json:"frame,omitempty"` // the frame that it began with
	Problem string `json:"problem"`
	Input   []byte `json:"input,omitempty"` // the bytes that the codec was given
}

// Failed reports whether a check failed.
func (r *Report) Failed() bool {
	for i := range r.Results {
		if r.Results[i].Verdict == Failed {
			return true
		}
	}
	return false
}

// String is the report as a table for people, with the bytes of each failure.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "codec %s, %d frames\n\n", r.Codec, r.Frames)
	for _, res := range r.Results {
		word := map[Verdict]string{Passed: "ok", Failed: "FAIL", Declined: "--"}[res.Verdict]
		line := fmt.Sprintf("%-4s  %-16s", word, res.Check)
		if res.Cases > 0 {
			line += fmt.Sprintf("  %d cases", res.Cases)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		for _, n := range res.Notes {
			fmt.Fprintf(&b, "        %s\n", n)
		}
		for _, f := range res.Failures {
			fmt.Fprintf(&b, "        %s\n", f.String())
		}
	}
	return b.String()
}

// String tells the failure with its bytes in hexadecimal.
func (f *Failure) String() string {
	s := f.Problem
	if f.Frame != "" {
		s = f.Frame + ": " + s
	}
	if len(f.Input) > 0 {
		s += "; bytes: " + hexOf(f.Input)
	}
	return s
}

func hexOf(b []byte) string {
	const most = 96
	if len(b) > most {
		return fmt.Sprintf("%s... (%d in all)", hex.EncodeToString(b[:most]), len(b))
	}
	return hex.EncodeToString(b)
}
