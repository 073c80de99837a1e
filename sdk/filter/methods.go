package filter

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Methods selects calls by service and method, for filters whose configuration lists
// some. In JSON it is a list of patterns: "shop.Orders/get" is one method, "shop.Orders/*"
// all of a service, "*/get" the method of every service, "*" everything. A '*' stands for
// any characters, none too, anywhere in either part; all other characters stand for
// themselves, in the spelling of Call.Service and Call.Method. The zero Methods selects
// nothing. All threads may use it at once.
type Methods struct {
	patterns []methodPattern
}

// MethodsSchema is the JSON Schema of Methods, to be part of a filter's.
const MethodsSchema = `{"type": "array", "items": {"type": "string", "pattern": "^([^/]+/.+|[*])$"},
  "description": "SERVICE/METHOD; * stands for any characters"}`

// methodPattern is a pattern in its two parts, each cut at its '*'.
type methodPattern struct{ service, method []string }

// ParseMethods parses patterns; its error names the bad one.
func ParseMethods(patterns ...string) (Methods, error) {
	var m Methods
	for i, p := range patterns {
		service, method, ok := strings.Cut(p, "/")
		switch {
		case p == "*":
			service, method = "*", "*"
		case !ok || service == "" || method == "":
			return Methods{}, fmt.Errorf("[%d]: %q is not SERVICE/METHOD", i, p)
		}
		m.patterns = append(m.patterns, methodPattern{strings.Split(service, "*"), strings.Split(method, "*")})
	}
	return m, nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Methods) UnmarshalJSON(b []byte) error {
	var patterns []string
	err := json.Unmarshal(b, &patterns)
	if err == nil {
		*m, err = ParseMethods(patterns...)
	}
	return err
}

// Empty tells that no call can be selected.
func (m Methods) Empty() bool { return len(m.patterns) == 0 }

// Match tells whether a call of that service and method is selected.
func (m Methods) Match(service, method string) bool {
	for _, p := range m.patterns {
		if matchParts(p.service, service) && matchParts(p.method, method) {
			return true
		}
	}
	return false
}

// matchParts tells whether s is the parts, with any characters between them. Taking each
// part where it first occurs is enough, since what follows a '*' can start anywhere.
func matchParts(parts []string, s string) bool {
	last := len(parts) - 1
	if last == 0 {
		return s == parts[0]
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:last] {
		at := strings.Index(s, part)
		if at < 0 {
			return false
		}
		s = s[at+len(part):]
	}
	return strings.HasSuffix(s, parts[last])
}
