// Package quota is a filter that lets each tenant make so many calls in a window of time,
// however many proxies they go through: the count is in Redis.
//
// Among Envoy's statistics, each name with "dynamicmodulescustom." before it:
//
//	meltemi_quota_calls_total        counter: result, which is allowed, refused, or error
//	                                 if Redis could not be asked and on_error decided
//	meltemi_quota_redis_latency_us   histogram: how long Redis took to answer
package quota
