package migrate

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"istio.io/api/networking/v1alpha3"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/spelling"
)

// textKind is how a text is compared.
type textKind int

const (
	textAny textKind = iota // also where there is none
	textPresent
	textExact
	textPrefix
	textRegex
)

// textMatch compares a text.
type textMatch struct {
	kind  textKind
	value string
}

// callMatch selects calls, in the terms of Meltemi.
type callMatch struct {
	service, method textMatch
	metadata        map[string]textMatch // by key
}

// read is what Aeraki makes of a match: nothing and the expression * ask only whether the
// attribute is there, and so does an empty text.
func (s *stringMatch) read() (textMatch, error) {
	given := 0
	out := textMatch{kind: textPresent}
	if s == nil {
		return out, nil
	}
	for _, one := range []struct {
		kind  textKind
		value *string
	}{{textExact, s.Exact}, {textPrefix, s.Prefix}, {textRegex, s.Regex}} {
		if one.value == nil {
			continue
		}
		given++
		if *one.value != "" && (one.kind != textRegex || *one.value != "*") {
			out = textMatch{one.kind, *one.value}
		}
	}
	if given > 1 {
		return out, errors.New("only one of exact, prefix and regex can be said")
	}
	if out.kind == textRegex {
		if _, err := regexp.Compile(out.value); err != nil {
			return out, err
		}
	}
	return out, nil
}

// attributes reads a match of Aeraki's for calls of a codec.
func (m *migration) attributes(d *document, field string, match *metaMatch, codec string) (*callMatch, error) {
	out := &callMatch{metadata: map[string]textMatch{}}
	if match == nil {
		return out, nil
	}
	for _, key := range slices.Sorted(maps.Keys(match.Attributes)) {
		at := field + ".attributes." + key
		text, err := match.Attributes[key].read()
		if err != nil {
			return nil, d.errorf(at, "%w", err)
		}
		if codec == "brpc" {
			m.note(d, Changed, at, "Aeraki's bRPC has no attributes, so this never matched; now it does")
		}
		if err := out.add(strings.ToLower(key), text, codec); err != nil {
			return nil, d.errorf(at, "%w", err)
		}
		if text.kind == textRegex && (key == "method" || key == "interface") {
			if unusual := spelling.Unusual(text.value); len(unusual) > 0 {
				m.note(d, Changed, at, "the expression is compared with the escaped text, in which these characters are ~ and hex digits: %q", string(unusual))
			}
		}
	}
	if codec == "thrift" && out.service.kind == textAny && out.method.kind != textAny {
		m.splitThrift(d, field+".attributes.method", out)
	}
	return out, nil
}

// add takes an attribute. Service and method have a place of their own.
func (c *callMatch) add(key string, text textMatch, codec string) error {
	place := &c.method
	switch {
	case key == "interface", codec == "dubbo" && key == "path":
		place = &c.service
	case key == "method":
	default:
		if before, twice := c.metadata[key]; twice && before != text {
			return errors.New("keys are told apart without regard to case, so this is there twice")
		}
		c.metadata[key] = text
		return nil
	}
	if place.kind > textPresent {
		return errors.New("it is compared twice: keys are told apart without regard to case, and interface and path are one thing")
	}
	if text.kind == textRegex {
		expr, err := spelling.Unanchored(text.value)
		if err != nil {
			return fmt.Errorf("the expression cannot be a part of one for /service/method: %w", err)
		}
		text.value = expr
	}
	if text.kind != textPresent { // each call has a service and a method
		*place = text
	}
	return nil
}

// splitThrift makes service and method of what Aeraki sees as a method: service:method of
// multiplexed calls. Others have no service, which is shown as thrift.
func (m *migration) splitThrift(d *document, field string, c *callMatch) {
	service, method, multiplexed := strings.Cut(c.method.value, ":")
	switch {
	case multiplexed && c.method.kind != textRegex:
		c.service, c.method.value = textMatch{textExact, service}, method
		if method == "" {
			c.method = textMatch{}
		}
		return
	case c.method.kind != textExact:
		m.note(d, Changed, field, "it is compared with methods without a service; calls of TMultiplexedProtocol have theirs in the path, as /service/method")
	}
	c.service = textMatch{textExact, "thrift"}
}

// uri is how the path is compared, nil if any will do.
func (c *callMatch) uri() *v1alpha3.StringMatch {
	s, m := c.service, c.method
	switch {
	case s.kind == textAny && m.kind == textAny:
		return nil
	case s.kind == textExact && m.kind == textExact:
		return exactly(spelling.Path(s.value, m.value))
	case s.kind == textExact && m.kind == textAny:
		return prefixed("/" + spelling.Segment(s.value) + "/")
	case s.kind == textExact && m.kind == textPrefix:
		return prefixed("/" + spelling.Segment(s.value) + "/" + spelling.SegmentPart(m.value))
	case s.kind == textPrefix && m.kind == textAny:
		return prefixed("/" + spelling.SegmentPart(s.value))
	}
	return matching("/" + s.segment() + "/" + m.segment())
}

// segment is an expression for a segment of a path.
func (t textMatch) segment() string {
	switch t.kind {
	case textExact:
		return regexp.QuoteMeta(spelling.Segment(t.value))
	case textPrefix:
		return regexp.QuoteMeta(spelling.SegmentPart(t.value)) + "[^/]*"
	case textRegex:
		return "(?:" + t.value + ")"
	default:
		return "[^/]+"
	}
}

// headers are how metadata is compared.
func (c *callMatch) headers() map[string]*v1alpha3.StringMatch {
	if len(c.metadata) == 0 {
		return nil
	}
	out := map[string]*v1alpha3.StringMatch{}
	for key, text := range c.metadata {
		match := &v1alpha3.StringMatch{} // present
		switch text.kind {
		case textExact:
			match = exactly(text.value)
		case textPrefix:
			match = prefixed(text.value)
		case textRegex:
			match = matching(text.value)
		default:
		}
		out[spelling.Header(key)] = match
	}
	return out
}

func exactly(s string) *v1alpha3.StringMatch {
	return &v1alpha3.StringMatch{MatchType: &v1alpha3.StringMatch_Exact{Exact: s}}
}

func prefixed(s string) *v1alpha3.StringMatch {
	return &v1alpha3.StringMatch{MatchType: &v1alpha3.StringMatch_Prefix{Prefix: s}}
}

func matching(s string) *v1alpha3.StringMatch {
	return &v1alpha3.StringMatch{MatchType: &v1alpha3.StringMatch_Regex{Regex: s}}
}

// http is the match of a VirtualService, nil for all calls. A port of 0 is any.
func (c *callMatch) http(port uint32) []*v1alpha3.HTTPMatchRequest {
	match := &v1alpha3.HTTPMatchRequest{Uri: c.uri(), Headers: c.headers(), Port: port}
	if match.Uri == nil && len(match.Headers) == 0 && port == 0 {
		return nil
	}
	return []*v1alpha3.HTTPMatchRequest{match}
}

// policy is the match of a RateLimitPolicy, nil for all calls.
func (c *callMatch) policy() *v1alpha1.CallMatch {
	out := &v1alpha1.CallMatch{Service: c.service.policy(), Method: c.method.policy()}
	for _, key := range slices.Sorted(maps.Keys(c.metadata)) {
		entry := v1alpha1.MetadataMatch{Key: key}
		if match := c.metadata[key].policy(); match != nil {
			entry.Exact, entry.Prefix, entry.Regex = match.Exact, match.Prefix, match.Regex
		} else {
			present := true
			entry.Present = &present
		}
		out.Metadata = append(out.Metadata, entry)
	}
	if out.Service == nil && out.Method == nil && len(out.Metadata) == 0 {
		return nil
	}
	return out
}

func (t textMatch) policy() *v1alpha1.StringMatch {
	switch t.kind {
	case textExact:
		return &v1alpha1.StringMatch{Exact: &t.value}
	case textPrefix:
		return &v1alpha1.StringMatch{Prefix: &t.value}
	case textRegex:
		return &v1alpha1.StringMatch{Regex: &t.value}
	default:
		return nil
	}
}
