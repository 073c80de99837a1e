package migrate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// limits turns the limits of a MetaRouter into a policy for each namespace of its services:
// Aeraki limits in the proxies of servers alone.
func (m *migration) limits(d *document, spec *metaRouter, codec string, services []*service) {
	var policy v1alpha1.RateLimitPolicySpec
	good := true
	for _, read := range []func() []error{
		func() []error { return m.localLimits(d, spec.LocalRateLimit, codec, &policy) },
		func() []error { return m.globalLimits(d, spec.GlobalRateLimit, codec, &policy) },
	} {
		errs := read()
		m.fail(errs...)
		good = good && len(errs) == 0
	}
	if !good || len(policy.Rules) == 0 {
		return
	}
	written := map[string]bool{}
	for _, s := range services {
		if len(s.rpcPorts()) == 0 || written[s.doc.namespace] {
			continue
		}
		written[s.doc.namespace] = true
		own := policy
		for _, other := range services {
			if other.doc.namespace != s.doc.namespace {
				continue
			}
			for _, p := range other.rpcPorts() {
				own.TargetRefs = append(own.TargetRefs, target(other.kind, other.doc.name, p.number))
			}
		}
		m.emit(d, meltemiV1, "RateLimitPolicy", d.name, s.doc.written, &own)
	}
	if len(written) == 0 {
		m.note(d, Dropped, "spec", "its rate limits need a target, and no service with this host is in the input")
	}
}

func (m *migration) localLimits(d *document, l *localLimit, codec string, policy *v1alpha1.RateLimitPolicySpec) []error {
	if l == nil {
		return nil
	}
	const field = "spec.localRateLimit"
	if l.TokenBucket == nil && len(l.Conditions) == 0 {
		return []error{d.errorf(field, "tokenBucket or conditions are needed")}
	}
	var problems []error
	for i, c := range l.Conditions {
		at := fmt.Sprintf("%s.conditions[%d]", field, i)
		match, err := m.attributes(d, at+".match", c.Match, codec)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if c.TokenBucket == nil {
			m.note(d, Dropped, at, "without a tokenBucket Aeraki leaves it out")
			continue
		}
		limit, err := m.bucket(d, at+".tokenBucket", c.TokenBucket)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		policy.Rules = append(policy.Rules, v1alpha1.RateLimitRule{Name: "condition-" + strconv.Itoa(i+1), Match: match.policy(), Local: limit})
	}
	if l.TokenBucket != nil {
		limit, err := m.bucket(d, field+".tokenBucket", l.TokenBucket)
		if err != nil {
			return append(problems, err)
		}
		policy.Rules = append(policy.Rules, v1alpha1.RateLimitRule{Name: "default", Local: limit})
	}
	if len(policy.Rules) > 1 {
		m.note(d, Changed, field, "Aeraki counts a call by the first condition that matches, and by the tokenBucket only if none does; now each call is counted by all rules that match it: raise those that are for the rest")
	}
	return problems
}

// bucket turns a token bucket into a limit.
func (m *migration) bucket(d *document, field string, b *tokenBucket) (*v1alpha1.LocalLimit, error) {
	interval, err := time.ParseDuration(b.FillInterval)
	switch {
	case err != nil:
		return nil, d.errorf(field+".fillInterval", "a duration such as 60s is needed")
	case interval < 50*time.Millisecond:
		return nil, d.errorf(field+".fillInterval", "at least 50ms is needed")
	case b.MaxTokens == 0 || b.MaxTokens > math.MaxInt32:
		return nil, d.errorf(field+".maxTokens", "a number from 1 to %d is needed", math.MaxInt32)
	}
	fill := uint32(1)
	if b.TokensPerFill != nil && *b.TokensPerFill > 0 {
		fill = *b.TokensPerFill
	} else {
		m.note(d, Changed, field+".tokensPerFill", "it is missing, with which Aeraki cannot go on; it is taken as 1")
	}
	if fill > math.MaxInt32 {
		return nil, d.errorf(field+".tokensPerFill", "is too great")
	}
	limit := &v1alpha1.LocalLimit{Requests: int32(fill & math.MaxInt32), Per: metav1.Duration{Duration: interval}}
	if burst := int32(b.MaxTokens & math.MaxInt32); burst != limit.Requests {
		limit.Burst = &burst
	}
	return limit, nil
}

// rateLimitCluster is the name of a cluster in which a rate limit service is found.
var rateLimitCluster = regexp.MustCompile(`^outbound\|([0-9]{1,5})\|\|([^|]+)$`)

func (m *migration) globalLimits(d *document, g *globalLimit, codec string, policy *v1alpha1.RateLimitPolicySpec) []error {
	if g == nil {
		return nil
	}
	const field = "spec.globalRateLimit"
	cluster := rateLimitCluster.FindStringSubmatch(g.RateLimitService)
	number := 0
	if cluster != nil {
		number, _ = strconv.Atoi(cluster[1]) // five digits
	}
	switch {
	case number < 1 || number > math.MaxUint16:
		return []error{d.errorf(field+".rateLimitService", "%q is no cluster of Istio's for a service (outbound|8081||host)", g.RateLimitService)}
	case g.Domain == "":
		return []error{d.errorf(field+".domain", "is missing")}
	case len(g.Descriptors) == 0:
		return []error{d.errorf(field+".descriptors", "is missing")}
	}
	policy.Service = &v1alpha1.RateLimitService{Host: cluster[2], Port: int32(number & math.MaxUint16), Domain: g.Domain}
	if g.DenyOnFail {
		policy.Service.OnFailure = "deny"
	}
	if g.RequestTimeout == "" {
		m.note(d, Changed, field+".requestTimeout", "it is missing, with which Aeraki cannot go on; the service gets 50ms")
	} else {
		timeout, err := time.ParseDuration(g.RequestTimeout)
		if err != nil || timeout <= 0 {
			return []error{d.errorf(field+".requestTimeout", "a duration such as 100ms is needed")}
		}
		policy.Service.Timeout = &metav1.Duration{Duration: timeout}
		m.note(d, Changed, field+".requestTimeout", "Aeraki waits for the service without end; now this is the end")
	}
	match, err := m.attributes(d, field+".match", g.Match, codec)
	if err != nil {
		return []error{err}
	}
	if g.Match == nil || len(g.Match.Attributes) == 0 {
		m.note(d, Changed, field+".match", "without a match Aeraki never limits, though its documentation says that it limits all calls; now all calls are limited")
	}
	for i, descriptor := range g.Descriptors {
		at := fmt.Sprintf("%s.descriptors[%d]", field, i)
		if descriptor.Property == "" || descriptor.DescriptorKey == "" {
			return []error{d.errorf(at, "property and descriptorKey are needed")}
		}
		rule := v1alpha1.RateLimitRule{Name: "global-" + strconv.Itoa(i+1), Match: match.policy(), Global: &v1alpha1.GlobalLimit{}}
		rule.Global.Descriptor = m.descriptor(d, at, rule.Name, descriptor, match)
		policy.Rules = append(policy.Rules, rule)
	}
	return nil
}

// descriptor is that of a property, which is a descriptor of its own in Aeraki too. Where
// the match leaves one value, it is that.
func (m *migration) descriptor(d *document, field, rule string, from limitDescriptor, match *callMatch) []v1alpha1.DescriptorEntry {
	property := strings.ToLower(from.Property)
	known := match.metadata[property]
	switch property {
	case "method":
		known = match.method
	case "interface":
		known = match.service
	}
	if known.kind == textExact {
		return []v1alpha1.DescriptorEntry{{Key: from.DescriptorKey, Value: &known.value}}
	}
	entry := v1alpha1.DescriptorEntry{Key: from.DescriptorKey}
	if property == "method" || property == "interface" {
		path := "path"
		entry.Call = &path
		m.note(d, ToDo, field+".property", "values of the descriptor are /service/method now: change them in the configuration of the rate limit service")
	} else {
		entry.Metadata = &from.Property
	}
	if match.policy() == nil {
		return []v1alpha1.DescriptorEntry{entry}
	}
	// Calls that do not match have to lack an entry, which one with a fixed value is.
	m.note(d, ToDo, field, "the descriptor has an entry more, rule: %s, which calls that do not match lack: add it in the configuration of the rate limit service", rule)
	return []v1alpha1.DescriptorEntry{{Key: "rule", Value: &rule}, entry}
}
