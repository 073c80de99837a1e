// Package stats is a filter that counts calls by method: how many there were and how they
// ended, how long they took, and how large their messages were.
//
// Among Envoy's statistics, each name with "dynamicmodulescustom." before it, which is
// envoy_dynamicmodulescustom_ for Prometheus:
//
//	meltemi_stats_calls_total      counter: service, method, code, and what configuration adds
//	meltemi_stats_open_calls       gauge
//	meltemi_stats_latency_ms       histogram: service, method
//	meltemi_stats_request_bytes    histogram: service, method
//	meltemi_stats_response_bytes   histogram: service, method
//
// The code is the gRPC code that the outcome counts as, such as UNAVAILABLE, or "none" for
// a call that got no answer. Envoy's cluster statistics count the same calls, but know no
// methods.
//
// Anybody can send calls of methods that do not exist, and each series costs memory for
// ever. So a method has series of its own only once a server has answered it, and only
// the first max_methods have; all others count as "other".
//
// It stands best before all other filters, so that it sees their replies too.
package stats
