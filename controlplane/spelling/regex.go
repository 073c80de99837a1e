package spelling

import (
	"errors"
	"regexp/syntax"
	"slices"
)

// Unanchored is an expression for a whole text, in RE2, without the anchors at its ends: so
// it can be a part of one for a path. Envoy matches whole texts, and an anchor in the middle
// never matches.
func Unanchored(expr string) (string, error) {
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return "", err
	}
	trimmed := trim(trim(parsed, syntax.OpBeginText, 0), syntax.OpEndText, -1)
	if trimmed == parsed && !hasAnchor(parsed) {
		return expr, nil
	}
	if hasAnchor(trimmed) {
		return "", errors.New("it has ^ or $ in the middle")
	}
	return trimmed.String(), nil
}

// trim leaves out the anchors at one end: at is 0 for the beginning, -1 for the end.
func trim(re *syntax.Regexp, anchor syntax.Op, at int) *syntax.Regexp {
	out := *re
	switch re.Op {
	case anchor:
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	case syntax.OpConcat:
		i := at
		if at < 0 {
			i += len(re.Sub)
		}
		part := trim(re.Sub[i], anchor, at)
		if part == re.Sub[i] {
			return re
		}
		out.Sub = slices.Clone(re.Sub)
		if out.Sub[i] = part; part.Op == syntax.OpEmptyMatch {
			out.Sub = slices.Delete(out.Sub, i, i+1)
		}
		if len(out.Sub) == 1 {
			return out.Sub[0]
		}
		return &out
	case syntax.OpAlternate, syntax.OpCapture:
		out.Sub = nil
		for _, sub := range re.Sub {
			out.Sub = append(out.Sub, trim(sub, anchor, at))
		}
		if slices.Equal(out.Sub, re.Sub) {
			return re
		}
		return &out
	default:
		return re
	}
}

func hasAnchor(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		return true
	default:
	}
	return slices.ContainsFunc(re.Sub, hasAnchor)
}

// Unusual are the characters of an expression that no segment of a path has as they are:
// what the expression says of them never holds.
func Unusual(expr string) []rune {
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	var found []rune
	var walk func(re *syntax.Regexp)
	walk = func(re *syntax.Regexp) {
		if re.Op == syntax.OpLiteral {
			for _, r := range re.Rune {
				if r > 0x7f || !IsPathByte(byte(r&0x7f)) && r != '~' {
					found = append(found, r)
				}
			}
		}
		for _, sub := range re.Sub {
			walk(sub)
		}
	}
	walk(parsed)
	return found
}
