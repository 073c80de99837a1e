package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a Path.
const (
	MaxPathSteps = 16
	MaxPathBytes = 512
)

// Path is the way to one value among the arguments of a call. In configurations it is a
// text: steps with dots between them, such as "0.customer.id", and where the codec wants
// to know it the type of the value behind a colon, as in "3.1:sint64". A dot, colon or
// backslash that belongs to a step has a backslash before it. Which argument, field, key
// or element a step leads to, and which types there are, is up to the codec.
type Path struct {
	Steps []Step // at least one
	Type  string // "" if the path names none
}

// Step is a step of a Path.
type Step struct {
	Name     string // as it is written, without backslashes
	Number   int    // what Name says, if IsNumber
	IsNumber bool   // Name is a decimal number of 32 bits as one writes it, such as 0 or -17
}

var (
	errEmptyStep = errors.New("a step is empty")
	errBackslash = errors.New("nothing follows a backslash")
	errEmptyType = errors.New("no type follows the colon")
	errTwoTypes  = errors.New("a second colon: one that belongs to a step has a backslash before it")
	errNotInPath = errors.New("a dot in the type")
)

// ParsePath parses the text of a path.
func ParsePath(text string) (Path, error) {
	p, err := parsePath(text)
	if err != nil {
		return Path{}, fmt.Errorf("path %q: %w", text, err)
	}
	return p, nil
}

func parsePath(text string) (p Path, err error) {
	if len(text) > MaxPathBytes {
		return p, fmt.Errorf("longer than %d bytes", MaxPathBytes)
	}
	var part strings.Builder
	typed := false
	add := func() {
		switch {
		case part.Len() == 0 && typed:
			err = errEmptyType
		case part.Len() == 0:
			err = errEmptyStep
		case typed:
			p.Type = part.String()
		default:
			p.Steps = append(p.Steps, newStep(part.String()))
		}
		part.Reset()
	}
	for i := 0; i < len(text) && err == nil; i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 == len(text):
			err = errBackslash
		case c == '\\':
			i++
			part.WriteByte(text[i])
		case c == '.' && typed:
			err = errNotInPath
		case c == ':' && typed:
			err = errTwoTypes
		case c == '.', c == ':':
			add()
			typed = c == ':'
		default:
			part.WriteByte(c)
		}
	}
	if err != nil {
		return p, err
	}
	if add(); err != nil {
		return p, err
	}
	if len(p.Steps) > MaxPathSteps {
		return p, fmt.Errorf("more than %d steps", MaxPathSteps)
	}
	return p, nil
}

func newStep(name string) Step {
	n, err := strconv.ParseInt(name, 10, 32)
	if err != nil || strconv.FormatInt(n, 10) != name {
		return Step{Name: name}
	}
	return Step{Name: name, Number: int(n), IsNumber: true}
}

var pathEscapes = strings.NewReplacer(`\`, `\\`, `.`, `\.`, `:`, `\:`)

// String returns the text of the path.
func (p *Path) String() string {
	var b strings.Builder
	for i := range p.Steps {
		if i > 0 {
			b.WriteByte('.')
		}
		_, _ = pathEscapes.WriteString(&b, p.Steps[i].Name) // a Builder has no errors
	}
	if p.Type != "" {
		b.WriteByte(':')
		_, _ = pathEscapes.WriteString(&b, p.Type)
	}
	return b.String()
}

var errPathNumber = errors.New("a path of numbers has to be written in quotes: 5.10 is the number 5.1")

// UnmarshalJSON implements json.Unmarshaler, for configurations. A path of a single number
// needs no quotes.
func (p *Path) UnmarshalJSON(b []byte) (err error) {
	text := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	} else if !newStep(text).IsNumber {
		return errPathNumber
	}
	*p, err = ParsePath(text)
	return err
}
