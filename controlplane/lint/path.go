package lint

import (
	"fmt"
	"regexp/syntax"
	"strings"

	"istio.io/api/networking/v1alpha3"

	"github.com/meltemi-mesh/meltemi/controlplane/spelling"
)

// pathKind is how much of a path a text is.
type pathKind int

const (
	wholePath  pathKind = iota
	pathPrefix          // the path may go on
	pathSuffix          // something may be before
)

// uri judges a match of the path.
func uri(p place, m *v1alpha3.StringMatch) {
	switch v := m.GetMatchType().(type) {
	case *v1alpha3.StringMatch_Exact:
		path(p.at(".exact"), v.Exact, wholePath)
	case *v1alpha3.StringMatch_Prefix:
		path(p.at(".prefix"), v.Prefix, pathPrefix)
	case *v1alpha3.StringMatch_Regex:
		pathRegex(p.at(".regex"), v.Regex)
	}
}

// path judges a text for paths, which are /service/method.
func path(p place, text string, kind pathKind) {
	slashes := strings.Count(text, "/")
	switch {
	case kind != pathSuffix && text != "" && text[0] != '/', kind == wholePath && text == "":
		p.bad(PathNever, fmt.Sprintf("paths of calls begin with /, as in /service/method: %q", text), "Write /service/method, with the names that the protocol has")
		return
	case slashes > 2, kind == wholePath && slashes != 2, kind == wholePath && strings.HasSuffix(text, "/"), strings.Contains(text, "//"):
		p.bad(PathNever, fmt.Sprintf("a path has a service and a method, and nothing else: %q", text), "Write /service/method, or match a prefix /service/")
		return
	}
	for i, segment := range strings.Split(text, "/") {
		if segment == "" {
			continue
		}
		whole := kind == wholePath || kind == pathPrefix && i < slashes || kind == pathSuffix && i > 0
		if right := respell(segment, whole); right != segment {
			p.bad(PathUnescaped, fmt.Sprintf("%q is shown as %q", segment, right), "Write it as it is shown")
		}
	}
}

// respell is a segment as it is shown, if it was written without escapes; one with valid
// escapes is right already.
func respell(segment string, whole bool) string {
	rest, plain := segment, true
	for i := range len(segment) {
		if segment[i] == '~' {
			plain = false
		}
	}
	if plain {
		if whole {
			return spelling.Segment(segment)
		}
		return spelling.SegmentPart(segment)
	}
	var b strings.Builder
	for rest != "" {
		if rest[0] == '~' && len(rest) >= 3 && isHex(lower(rest[1])) && isHex(lower(rest[2])) {
			b.WriteString(strings.ToUpper(rest[:3]))
			rest = rest[3:]
			continue
		}
		b.WriteString(spelling.SegmentPart(rest[:1]))
		rest = rest[1:]
	}
	return b.String()
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// pathRegex judges an expression for whole paths.
func pathRegex(p place, expr string) {
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		p.bad(PathNever, fmt.Sprintf("it is no expression of RE2: %v", err), "Correct the expression")
		return
	}
	if _, err := spelling.Unanchored(expr); err != nil {
		p.bad(PathNever, fmt.Sprintf("the expression never matches: %v", err), "Leave the anchors out: it is compared with the whole path")
		return
	}
	if first, ok := firstRune(parsed); ok && first != '/' {
		p.bad(PathNever, fmt.Sprintf("paths of calls begin with /, as in /service/method: %q", expr), "Begin the expression with /")
		return
	}
	var unusual []rune
	for _, r := range spelling.Unusual(expr) {
		if r != '/' {
			unusual = append(unusual, r)
		}
	}
	if len(unusual) > 0 {
		p.odd(PathUnescaped, fmt.Sprintf("these characters are shown as ~ and hex digits: %q", string(unusual)), "Write them as they are shown")
	}
}

// firstRune is the character that all texts that match begin with, if there is one.
func firstRune(re *syntax.Regexp) (rune, bool) {
	switch re.Op {
	case syntax.OpLiteral:
		if len(re.Rune) > 0 && re.Flags&syntax.FoldCase == 0 {
			return re.Rune[0], true
		}
	case syntax.OpCapture, syntax.OpPlus:
		return firstRune(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if sub.Op != syntax.OpBeginText && sub.Op != syntax.OpBeginLine && sub.Op != syntax.OpEmptyMatch {
				return firstRune(sub)
			}
		}
	default:
	}
	return 0, false
}

// pattern judges a path of an AuthorizationPolicy: a text, abc*, *abc, *, or a template.
func pattern(p place, text string) {
	switch {
	case text == "*", strings.Contains(text, "{"):
	case strings.HasPrefix(text, "*"):
		path(p, text[1:], pathSuffix)
	case strings.HasSuffix(text, "*"):
		path(p, text[:len(text)-1], pathPrefix)
	default:
		path(p, text, wholePath)
	}
}
