package main

import (
	"fmt"
	"slices"
	"time"
)

// latencies are how long calls took.
type latencies []time.Duration

// percentile is the latency that the share p of the calls did not exceed.
func (l latencies) percentile(p float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	slices.Sort(l)
	return l[min(int(p*float64(len(l))), len(l)-1)]
}

func (l latencies) text() string {
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, max %s", milliseconds(l.percentile(0.5)), milliseconds(l.percentile(0.9)),
		milliseconds(l.percentile(0.99)), milliseconds(l.percentile(1)))
}

// latencyObject is their JSON.
type latencyObject struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func (l latencies) object() latencyObject {
	ms := func(share float64) float64 { return float64(l.percentile(share)) / float64(time.Millisecond) }
	return latencyObject{ms(0.5), ms(0.9), ms(0.99), ms(1)}
}
