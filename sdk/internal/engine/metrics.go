package engine

import "github.com/meltemi-mesh/meltemi/sdk"

// Metric is one of the numbers that the edges count. All are counters but
// MetricOpenCalls, which is a gauge.
type Metric uint8

// The metrics. The refusals by cause follow the last of them, and the errors by cause those.
const (
	MetricCalls                  Metric = iota // requests and one-way calls that were decoded
	MetricOnewayCalls                          // those of them that want no answer
	MetricOpenCalls                            // gauge: calls that wait for their end
	MetricReplies                              // replies of servers that went to a client
	MetricLocalReplies                         // errors that were made for a client
	MetricDecodeErrors                         // messages that cannot be served
	MetricConnectionErrors                     // connections whose framing was lost
	MetricPanics                               // panics of codecs
	MetricLateAnswers                          // answers to calls that had ended
	MetricUnmatchedAnswers                     // answers to no call at all
	MetricHeartbeats                           // heartbeats that were answered
	MetricGoAways                              // requests for no more calls, either way
	MetricPassThroughConnections               // connections that turned out to be HTTP
	MetricUnrecognised                         // connections that speak nothing known, or did not say in time
	metricRefused                              // first of the refusals, by sdk.Cause
)

var causes = sdk.Causes()

// NumMetrics is the number of metrics.
const NumMetrics = int(metricRefused) + 2*numCauses

// numCauses is checked against sdk.Causes by a test.
const numCauses = 17

// MetricRefused is the counter of calls that were refused for that cause.
func MetricRefused(cause sdk.Cause) Metric { return metricRefused + known(cause) }

// MetricError is the counter of errors that clients were given for that cause, by Envoy and
// by this library.
func MetricError(cause sdk.Cause) Metric { return metricRefused + numCauses + known(cause) }

// known is the number of a cause; one that a codec made up counts as unknown.
func known(cause sdk.Cause) Metric {
	if cause >= numCauses {
		return 0
	}
	return Metric(cause)
}

// MetricNames are the names of the metrics, without prefix.
var MetricNames = metricNames()

func metricNames() (names [NumMetrics]string) {
	copy(names[:], []string{
		"calls", "oneway_calls", "open_calls", "replies", "local_replies", "decode_errors",
		"connection_errors", "panics", "late_answers", "unmatched_answers", "heartbeats", "go_aways",
		"pass_through_connections", "unrecognised_connections",
	})
	for _, cause := range causes {
		names[MetricRefused(cause)] = "refused_" + cause.String()
		names[MetricError(cause)] = "errors_" + cause.String()
	}
	return names
}

// Gauge reports whether the metric goes up and down.
func (m Metric) Gauge() bool { return m == MetricOpenCalls }

// Counts are changes of metrics that the host has not seen yet.
type Counts struct {
	deltas  [NumMetrics]int
	changed uint64 // a bit for each metric with a delta
}

const _ = uint(64 - NumMetrics) // there is a bit for each

// Add changes a metric by n.
func (c *Counts) Add(m Metric, n int) {
	c.deltas[m] += n
	c.changed |= 1 << m
}

// Each calls f for each metric that changed, and forgets the changes.
func (c *Counts) Each(f func(m Metric, delta int)) {
	for m := Metric(0); c.changed != 0; m++ {
		if c.changed&(1<<m) == 0 {
			continue
		}
		c.changed &^= 1 << m
		if delta := c.deltas[m]; delta != 0 {
			c.deltas[m] = 0
			f(m, delta)
		}
	}
}

// MoveTo adds the changes to other and forgets them.
func (c *Counts) MoveTo(other *Counts) {
	c.Each(other.Add)
}
