package answers

import (
	"strings"
)

// Difference is a path at which two answers differ. A side that has nothing there is nil.
type Difference struct {
	Path     string  `json:"path"`
	Recorded *string `json:"recorded,omitempty"` // JSON
	Got      *string `json:"got,omitempty"`
}

// Compare returns where two answers differ, but for what is ignored. Both are sorted, as
// Facts makes them.
func Compare(recorded, got []Fact, ignore Ignore) []Difference {
	var list []Difference
	add := func(path string, a, b *string) {
		if !ignore.Match(path) {
			list = append(list, Difference{path, a, b})
		}
	}
	for len(recorded) > 0 || len(got) > 0 {
		switch {
		case len(got) == 0 || len(recorded) > 0 && recorded[0].Path < got[0].Path:
			add(recorded[0].Path, &recorded[0].Value, nil)
			recorded = recorded[1:]
		case len(recorded) == 0 || got[0].Path < recorded[0].Path:
			add(got[0].Path, nil, &got[0].Value)
			got = got[1:]
		default:
			if recorded[0].Value != got[0].Value {
				add(got[0].Path, &recorded[0].Value, &got[0].Value)
			}
			recorded, got = recorded[1:], got[1:]
		}
	}
	return list
}

// Only returns those of facts whose paths others have too.
func Only(facts, others []Fact) []Fact {
	paths := make(map[string]bool, len(others))
	for _, f := range others {
		paths[f.Path] = true
	}
	var list []Fact
	for _, f := range facts {
		if paths[f.Path] {
			list = append(list, f)
		}
	}
	return list
}

// Ignore are paths that are not compared: "result.time" with all that is below it,
// "result.items[*].id" with '*' for any characters, and the bare name of a metadata entry,
// which has no case.
type Ignore []string

// Match tells whether a path is ignored.
func (g Ignore) Match(path string) bool {
	for _, pattern := range g {
		if matchPath(pattern, path) || strings.EqualFold("metadata"+step(pattern), path) {
			return true
		}
	}
	return false
}

// matchPath tells whether a pattern is a path, or one above it.
func matchPath(pattern, path string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	below, ok := strings.CutPrefix(path, first)
	if !ok {
		return false
	}
	if !star {
		return below == "" || below[0] == '.' || below[0] == '['
	}
	for i := range len(below) + 1 {
		if matchPath(rest, below[i:]) {
			return true
		}
	}
	return false
}
