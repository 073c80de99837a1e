package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"
)

// row is an entry of latest.json. Times are in microseconds. CPU is user and system
// time of all Envoys of the subject. Ratios are in calls per CPU second, round by
// round, and above 1 the subject is better than plain HTTP with HTTP/1.1 to the
// server, or than the native filter; 0 where that was not measured.
type row struct {
	Protocol            string  `json:"protocol"`
	Connections         int     `json:"connections"`
	InFlight            int     `json:"in_flight"`
	Payload             int     `json:"payload"`
	Hops                int     `json:"hops"`
	TLS                 bool    `json:"tls"`
	Tracing             bool    `json:"tracing"`
	Mode                string  `json:"mode"` // saturation, or fixed-rate: half of what the slowest subject reached
	Subject             string  `json:"subject"`
	Envoy               string  `json:"envoy"`
	Rounds              int     `json:"rounds"`
	RPS                 float64 `json:"rps"`
	CPUPerCall          float64 `json:"cpu_us_per_call"`
	P50                 float64 `json:"p50_us"`
	P99                 float64 `json:"p99_us"`
	UpstreamConnections int     `json:"upstream_connections"` // to the server
	RatioToHTTP         float64 `json:"ratio_to_http"`
	RatioToNative       float64 `json:"ratio_to_native"`

	topology topology
}

const (
	saturation = "saturation"
	fixedRate  = "fixed-rate"
)

func rowsOf(results []result, version string) []row {
	rows := make([]row, 0, len(results))
	for i := range results {
		r := &results[i]
		mode := saturation
		if r.rate > 0 {
			mode = fixedRate
		}
		rows = append(rows, row{
			Protocol: r.name(), Connections: r.connections, InFlight: r.inFlight, Payload: r.payload,
			Hops: r.hops, TLS: r.tls, Tracing: r.tracing, Mode: mode, Subject: r.subject.name,
			Envoy: version, Rounds: len(r.samples),
			RPS:                 math.Round(r.median(func(s sample) float64 { return s.rps })),
			CPUPerCall:          tenth(r.median(func(s sample) float64 { return s.cpu })),
			P50:                 tenth(r.median(func(s sample) float64 { return s.p50 })),
			P99:                 tenth(r.median(func(s sample) float64 { return s.p99 })),
			UpstreamConnections: int(r.median(func(s sample) float64 { return float64(s.upstreamConns) })),
			RatioToHTTP:         ratio(r, find(results, r, plainHTTP1)),
			RatioToNative:       ratio(r, find(results, r, r.native)),
			topology:            r.topology,
		})
	}
	return rows
}

// find returns the result of another subject under the same load, nil if there is none.
func find(results []result, like *result, s subject) *result {
	for i := range results {
		r := &results[i]
		if r.subject == s && r.topology == like.topology && r.shape == like.shape && r.rate == like.rate {
			return r
		}
	}
	return nil
}

// ratio returns how many calls r makes of the CPU time that base makes one of.
func ratio(r, base *result) float64 {
	if base == nil {
		return 0
	}
	ratios := make([]float64, len(r.samples))
	for i := range r.samples {
		ratios[i] = base.samples[i].cpu / r.samples[i].cpu
	}
	return math.Round(median(ratios)*100) / 100
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// printTable prints the rows, a paragraph for each cell.
func printTable(out io.Writer, rows []row) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	var cell string
	for i := range rows {
		r := &rows[i]
		s := shape{r.Connections, r.InFlight, r.Payload}
		if c := fmt.Sprintf("%s, %s, %s", r.topology.title(), s, r.Mode); c != cell {
			cell = c
			_ = w.Flush()
			_, _ = fmt.Fprintf(out, "\n%s\n", c)
			_, _ = fmt.Fprintln(w, "subject\tcalls/s\tCPU µs/call\tp50 µs\tp99 µs\tserver conns\tto HTTP\tto native\t")
		}
		_, _ = fmt.Fprintf(w, "%s\t%.0f\t%.1f\t%.0f\t%.0f\t%d\t%s\t%s\t\n", r.Subject, r.RPS, r.CPUPerCall, r.P50, r.P99,
			r.UpstreamConnections, printRatio(r.RatioToHTTP), printRatio(r.RatioToNative))
	}
	_ = w.Flush()
}

func printRatio(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

// writeFiles writes latest.json and latest.svg.
func writeFiles(dir string, rows []row) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "latest.json"), append(text, '\n'), 0o600); err != nil {
		return err
	}
	return drawChart(filepath.Join(dir, "latest.svg"), rows)
}
