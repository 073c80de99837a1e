package record

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// names are the names of the entries that are redacted. They are printable ASCII and have
// no case.
type names struct {
	list   []string
	starts [256][]string // in lower case, by the first byte of each of their spellings
}

func newNames(list []string) *names {
	n := &names{list: list}
	for _, name := range list {
		name = strings.ToLower(name)
		for _, r := range spellingsOf(rune(name[0])) {
			first := string(r)[0]
			n.starts[first] = append(n.starts[first], name)
		}
	}
	return n
}

func (n *names) has(key string) bool {
	return slices.ContainsFunc(n.list, func(name string) bool { return strings.EqualFold(name, key) })
}

// appendSpellings appends each way in which text spells names, once.
func (n *names) appendSpellings(dst []string, text []byte) []string {
	for i, first := range text {
		for _, name := range n.starts[first] {
			size := spells(text[i:], name)
			if size == 0 {
				continue
			}
			if s := string(text[i : i+size]); !slices.Contains(dst, s) {
				dst = append(dst, s)
			}
		}
	}
	return dst
}

// spells returns how many bytes at the beginning of text are the name, which is in lower
// case; 0 if they are not.
func spells(text []byte, name string) (n int) {
	for i := range len(name) {
		r, size := utf8.DecodeRune(text[n:])
		if fold(r) != rune(name[i]) {
			return 0
		}
		n += size
	}
	return n
}

// Two letters beyond ASCII are, without case, the same as one of ASCII.
const (
	kelvin = '\u212a'
	longS  = '\u017f'
)

// fold is a letter in lower case, as strings.EqualFold sees it beside ASCII.
func fold(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case r == kelvin:
		return 'k'
	case r == longS:
		return 's'
	}
	return r
}

// spellingsOf are the letters that fold to one in lower case.
func spellingsOf(lower rune) []rune {
	all := []rune{lower}
	if lower >= 'a' && lower <= 'z' {
		all = append(all, lower+'A'-'a')
	}
	switch lower {
	case 'k':
		all = append(all, kelvin)
	case 's':
		all = append(all, longS)
	}
	return all
}
