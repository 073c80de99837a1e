package translate

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/ir"
)

// readMatch makes headers of what a rule says of calls.
func readMatch(r *ir.Rule, m *v1alpha1.CallMatch) error {
	if m == nil {
		return nil
	}
	service, err := textMatch(m.Service)
	if err != nil {
		return fmt.Errorf("match.service: %w", err)
	}
	method, err := textMatch(m.Method)
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
		r.Headers = append(r.Headers, ir.Header{Name: metadataHeader(e.Key), Match: match})
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

// pathMatch is how :path, which is /service/method, is compared for both parts to match.
func pathMatch(service, method ir.Match) ir.Match {
	switch {
	case service.Kind == ir.MatchAny && method.Kind == ir.MatchAny:
		return ir.Match{}
	case service.Kind == ir.MatchExact && method.Kind == ir.MatchExact:
		return ir.Match{Kind: ir.MatchExact, Value: "/" + escapeSegment(service.Value) + "/" + escapeSegment(method.Value)}
	case service.Kind == ir.MatchExact && method.Kind == ir.MatchAny:
		return ir.Match{Kind: ir.MatchPrefix, Value: "/" + escapeSegment(service.Value) + "/"}
	}
	return ir.Match{Kind: ir.MatchRegex, Value: "/" + segmentRegex(service) + "/" + segmentRegex(method)}
}

// segmentRegex is an expression for a segment of a path. Those of the user see the
// escaped text.
func segmentRegex(m ir.Match) string {
	switch m.Kind {
	case ir.MatchExact:
		return regexp.QuoteMeta(escapeSegment(m.Value))
	case ir.MatchPrefix:
		return regexp.QuoteMeta(escape(m.Value, isPathByte)) + "[^/]*"
	case ir.MatchRegex:
		return "(?:" + m.Value + ")"
	default:
		return "[^/]+"
	}
}

// escapeSegment writes a segment as the library does: bytes that a path does not take, and
// segments of dots alone, as ~ and two upper-case hex digits.
func escapeSegment(s string) string {
	if s != "" && strings.Trim(s, ".") == "" {
		return escape(s, func(byte) bool { return false })
	}
	return escape(s, isPathByte)
}

func escape(s string, takes func(byte) bool) string {
	return escapeAs(s, takes, "~%02X")
}

// escapeAs writes the bytes that a place does not take in a format of their own.
func escapeAs(s string, takes func(byte) bool, format string) string {
	var b strings.Builder
	for i := range len(s) {
		if takes(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, format, s[i])
		}
	}
	return b.String()
}

func isPathByte(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("._$-", c) >= 0
}

func isNameByte(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// metadataHeader is the header of an entry of metadata, as the library names it: with
// lower-case hex digits, since names of headers have no others.
func metadataHeader(key string) string {
	lower := lowerASCII(key)
	switch lower {
	case "traceparent", "tracestate", "baggage", "b3", "sw8":
		return lower
	}
	if strings.HasPrefix(lower, "x-b3-") {
		return lower
	}
	if bare := strings.TrimLeft(lower, "_"); bare == "kind" || bare == "status" || strings.HasPrefix(bare, "local-") {
		lower = "_" + lower
	}
	return "x-rpc-" + escapeAs(lower, isNameByte, "~%02x")
}

// lowerASCII leaves alone what is not ASCII, which is escaped byte by byte.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
