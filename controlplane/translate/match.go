package translate

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
	"github.com/meltemi-mesh/meltemi/controlplane/spelling"
)

// readMatch makes headers of what a rule says of calls.
func readMatch(r *ir.Rule, m *v1alpha1.CallMatch) error {
	if m == nil {
		return nil
	}
	service, err := segmentMatch(m.Service)
	if err != nil {
		return fmt.Errorf("match.service: %w", err)
	}
	method, err := segmentMatch(m.Method)
	if err != nil {
		return fmt.Errorf("match.method: %w", err)
	}
	if path := pathMatch(service, method); path.Kind != ir.MatchAny {
		r.Headers = append(r.Headers, ir.Header{Name: ":path", Match: path})
	}
	for i := range m.Metadata {
		e := &m.Metadata[i]
		match, err := textMatch(&v1alpha1.StringMatch{Exact: e.Exact, Prefix: e.Prefix, Regex: e.Regex})
		if e.Present != nil {
			match, err = ir.Match{Kind: ir.MatchThere}, nil
			if !*e.Present {
				match.Kind = ir.MatchAbsent
			}
		}
		if err != nil {
			return fmt.Errorf("match.metadata[%s]: %w", e.Key, err)
		}
		r.Headers = append(r.Headers, ir.Header{Name: spelling.Header(e.Key), Match: match})
	}
	return nil
}

// textMatch is how a text is compared.
func textMatch(m *v1alpha1.StringMatch) (ir.Match, error) {
	switch {
	case m == nil:
		return ir.Match{}, nil
	case m.Exact != nil:
		return ir.Match{Kind: ir.MatchExact, Value: *m.Exact}, nil
	case m.Prefix != nil:
		return ir.Match{Kind: ir.MatchPrefix, Value: *m.Prefix}, nil
	case m.Regex != nil:
		if _, err := regexp.Compile(*m.Regex); err != nil {
			return ir.Match{}, err
		}
		return ir.Match{Kind: ir.MatchRegex, Value: *m.Regex}, nil
	}
	return ir.Match{}, errors.New("exact, prefix or regex is needed")
}

// segmentMatch is how a segment of a path is compared. An anchor in the middle of an
// expression for the path would never match.
func segmentMatch(m *v1alpha1.StringMatch) (ir.Match, error) {
	match, err := textMatch(m)
	if err == nil && match.Kind == ir.MatchRegex {
		match.Value, err = spelling.Unanchored(match.Value)
	}
	return match, err
}

// pathMatch is how :path, which is /service/method, is compared for both parts to match.
func pathMatch(service, method ir.Match) ir.Match {
	switch {
	case service.Kind == ir.MatchAny && method.Kind == ir.MatchAny:
		return ir.Match{}
	case service.Kind == ir.MatchExact && method.Kind == ir.MatchExact:
		return ir.Match{Kind: ir.MatchExact, Value: "/" + spelling.Segment(service.Value) + "/" + spelling.Segment(method.Value)}
	case service.Kind == ir.MatchExact && method.Kind == ir.MatchAny:
		return ir.Match{Kind: ir.MatchPrefix, Value: "/" + spelling.Segment(service.Value) + "/"}
	}
	return ir.Match{Kind: ir.MatchRegex, Value: "/" + segmentRegex(service) + "/" + segmentRegex(method)}
}

// segmentRegex is an expression for a segment of a path. Those of the user see the
// escaped text.
func segmentRegex(m ir.Match) string {
	switch m.Kind {
	case ir.MatchExact:
		return regexp.QuoteMeta(spelling.Segment(m.Value))
	case ir.MatchPrefix:
		return regexp.QuoteMeta(spelling.SegmentPart(m.Value)) + "[^/]*"
	case ir.MatchRegex:
		return "(?:" + m.Value + ")"
	default:
		return "[^/]+"
	}
}
