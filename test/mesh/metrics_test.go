package mesh

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// metrics: Prometheus gets series of services and methods from both proxies, and Envoy's
// own of the clusters.
func (o *telemetry) metrics(*testing.T) {
	o.orders.serve("thrift", "9091")
	o.client.Await("thrift", o.ordersAddress, "Orders/warm", "--codec-config", theader)
	o.client.Calls(5, "thrift", o.ordersAddress, "Orders/get", "--set", "tenant=blue", "--codec-config", theader)
	o.client.Calls(3, "thrift", o.ordersAddress, "Orders/cancel", "--set", "tenant=red", "--codec-config", theader)
	o.client.Calls(2, "thrift", o.ordersAddress, "Orders/get", "--set", "tenant=red", "--codec-config", theader)
	const library = "envoy_dynamicmodulescustom_meltemi_"
	cluster := fmt.Sprintf(`cluster_name="outbound|9190||orders.%s.svc.cluster.local"`, o.Name)
	for _, series := range []struct {
		pod    *Pod
		name   string
		labels []string
		want   int
	}{
		{o.orders, library + "stats_calls_total", []string{`service="Orders"`, `method="get"`, `code="OK"`, `tenant="blue"`}, 5},
		{o.orders, library + "stats_calls_total", []string{`service="Orders"`, `method="get"`, `code="OK"`, `tenant="red"`}, 2},
		{o.orders, library + "stats_calls_total", []string{`service="Orders"`, `method="cancel"`, `code="OK"`, `tenant="red"`}, 3},
		{o.client, library + "stats_calls_total", []string{`service="Orders"`, `method="get"`, `code="OK"`}, 7},
		{o.client, library + "stats_latency_ms_count", []string{`service="Orders"`, `method="cancel"`}, 3},
		{o.client, "envoy_cluster_upstream_rq_total", []string{cluster}, o.client.Counter(fmt.Sprintf(`cluster\.outbound\|9190\|\|orders\.%s\..*;?\.upstream_rq_total`, o.Name))},
	} {
		o.Eventually(func() string {
			text, err := series.pod.get("http://127.0.0.1:15020/stats/prometheus")
			if err != nil {
				return err.Error()
			}
			if is := sample(text, series.name, series.labels...); is != series.want || is == 0 {
				return fmt.Sprintf("%s: %s%q is %d, want %d", series.pod.Name, series.name, series.labels, is, series.want)
			}
			return ""
		})
	}
}

// sample is the sum of the series of a name that have some labels, in Prometheus' format.
func sample(text, name string, labels ...string) int {
	sum := 0
lines:
	for line := range strings.Lines(text) {
		set, ok := strings.CutPrefix(strings.TrimSpace(line), name+"{")
		set, value, closed := strings.Cut(set, "} ")
		n, err := strconv.Atoi(value)
		if !ok || !closed || err != nil {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(","+set+",", ","+label+",") {
				continue lines
			}
		}
		sum += n
	}
	return sum
}
