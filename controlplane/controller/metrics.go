package controller

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Metrics beside those of controller-runtime.
var (
	duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "meltemi_controller_reconcile_duration_seconds", Help: "How long all of the work takes.",
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
	})
	failures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "meltemi_controller_reconcile_failures_total", Help: "Work that failed and will be repeated.",
	})
	writes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "meltemi_controller_envoyfilter_writes_total", Help: "EnvoyFilters that were written or deleted.",
	}, []string{"operation"})
	resources = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "meltemi_controller_resources", Help: "Bindings and policies, by what became of them.",
	}, []string{"kind", "reason"})
)

// RegisterMetrics registers the metrics with those of controller-runtime. It is called
// once in a process.
func RegisterMetrics() {
	metrics.Registry.MustRegister(duration, failures, writes, resources)
}

// countVerdicts sets the gauge of resources, by kind/reason.
func countVerdicts(counts map[string]int) {
	resources.Reset()
	for key, n := range counts {
		kind, reason, _ := strings.Cut(key, "/")
		resources.WithLabelValues(kind, reason).Set(float64(n))
	}
}
