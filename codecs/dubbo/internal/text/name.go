package text

import "errors"

// Errors of those who look for a name.
var (
	ErrTwice = errors.New("there twice")
	ErrAlike = errors.New("spelled otherwise: servers may take it for the one that the path names")
	ErrIndex = errors.New("the elements of a list have numbers, from 0")
)

// Likeness is how a name relates to the one that is looked for.
type Likeness uint8

// The verdicts.
const (
	Other Likeness = iota
	Same
	Alike // some readers do not tell them apart
)

// Compare compares a name in a message with the one that a path names. Readers differ in
// how exact they are: fastjson finds fields without regard to case, '_' and '-', generic
// calls of Apache Dubbo without regard to the case of the first letter, and dubbo-go in
// several spellings.
// Sources: fastjson, ASMUtils and TypeUtils.fnv1a_64_lower; Apache Dubbo, PojoUtils;
// dubbo-go-hessian2, findField.
func Compare(name []byte, want string) Likeness {
	if string(name) == want {
		return Same
	}
	i, j := 0, 0
	for {
		for i < len(name) && ignored(name[i]) {
			i++
		}
		for j < len(want) && ignored(want[j]) {
			j++
		}
		switch {
		case i == len(name) && j == len(want):
			return Alike
		case i == len(name) || j == len(want) || lower(name[i]) != lower(want[j]):
			return Other
		}
		i++
		j++
	}
}

func ignored(c byte) bool { return c == '_' || c == '-' }

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
