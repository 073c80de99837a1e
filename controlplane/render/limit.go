package render

import (
	"strconv"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// ruleKey is the key of the descriptor entry that names the rule of a local limit.
const ruleKey = "meltemi_rule"

// unlimited is the bucket of calls that no rule matches, which Envoy asks for.
const unlimited = 1<<32 - 1

// localLimits is Envoy's filter with a token bucket for each rule. Each call takes a token
// of every rule that matches it. A refused call is RESOURCE_EXHAUSTED: by default Envoy says
// UNAVAILABLE, and Istio has proxies of clients repeat that, twice.
func localLimits(limits []ir.LocalLimit) object {
	descriptors, actions := make(list, 0, len(limits)), make(list, 0, len(limits))
	for i := range limits {
		l := &limits[i]
		descriptors = append(descriptors, object{
			"entries":      list{object{"key": ruleKey, "value": l.Name}},
			"token_bucket": bucket(l.Burst, l.Tokens, l.Interval),
		})
		actions = append(actions, object{"actions": list{matches(&l.Rule, ruleKey, l.Name)}})
	}
	percent := object{"default_value": object{"numerator": 100, "denominator": "HUNDRED"}}
	return typed("envoy.filters.http.local_ratelimit", "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", object{
		"stat_prefix":                         "meltemi",
		"token_bucket":                        bucket(unlimited, unlimited, time.Second),
		"always_consume_default_token_bucket": false,
		"filter_enabled":                      percent,
		"filter_enforced":                     percent,
		"rate_limited_as_resource_exhausted":  true,
		"descriptors":                         descriptors,
		"rate_limits":                         actions,
	})
}

func bucket(burst, tokens uint32, interval time.Duration) object {
	return object{"max_tokens": burst, "tokens_per_fill": tokens, "fill_interval": seconds(interval)}
}

// globalLimits is Envoy's filter that asks a rate limit service. Refused calls are as those
// of localLimits.
func globalLimits(g *ir.GlobalLimits) object {
	limits := make(list, len(g.Limits))
	for i := range g.Limits {
		limits[i] = object{"actions": actions(&g.Limits[i])}
	}
	return typed("envoy.filters.http.ratelimit."+g.Name, "envoy.extensions.filters.http.ratelimit.v3.RateLimit", object{
		"domain":                             g.Service.Domain,
		"timeout":                            seconds(g.Service.Timeout),
		"failure_mode_deny":                  g.Service.Deny,
		"rate_limited_as_resource_exhausted": true,
		"stat_prefix":                        g.Name,
		"rate_limits":                        limits,
		"rate_limit_service": object{
			"transport_api_version": "V3",
			"grpc_service":          object{"envoy_grpc": object{"cluster_name": g.Service.Cluster}},
		},
	})
}

// actions make the descriptor of a limit. Envoy drops a descriptor if one of its actions
// does not apply, so what a rule matches goes into the action of the first fixed entry;
// translate has seen to it that there is one.
func actions(l *ir.GlobalLimit) list {
	var all list
	matched := len(l.Headers) == 0
	for _, e := range l.Descriptor {
		switch {
		case e.Source:
			all = append(all, object{"remote_address": object{}})
		case e.Header != "":
			all = append(all, object{"request_headers": object{"descriptor_key": e.Key, "header_name": e.Header}})
		case !matched:
			matched = true
			all = append(all, matches(&l.Rule, e.Key, e.Value))
		default:
			all = append(all, matches(&ir.Rule{}, e.Key, e.Value))
		}
	}
	return all
}

// matches is the action that makes an entry of calls that match a rule.
func matches(r *ir.Rule, key, value string) object {
	if len(r.Headers) == 0 {
		return object{"generic_key": object{"descriptor_key": key, "descriptor_value": value}}
	}
	headers := make(list, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = header(h)
	}
	return object{"header_value_match": object{"descriptor_key": key, "descriptor_value": value, "headers": headers}}
}

// header is Envoy's HeaderMatcher.
func header(h ir.Header) object {
	m := object{"name": h.Name}
	switch h.Kind {
	case ir.MatchExact:
		m["string_match"] = object{"exact": h.Value}
	case ir.MatchPrefix:
		m["string_match"] = object{"prefix": h.Value}
	case ir.MatchRegex:
		m["string_match"] = object{"safe_regex": object{"regex": h.Value}}
	case ir.MatchAbsent:
		m["present_match"] = false
	case ir.MatchAny, ir.MatchThere:
		m["present_match"] = true
	}
	return m
}

// seconds is a duration as protobuf's JSON has it.
func seconds(d time.Duration) string {
	text := strconv.FormatFloat(d.Seconds(), 'f', 9, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "s"
}
