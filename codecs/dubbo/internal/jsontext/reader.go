// Package jsontext reads and writes the bodies of Dubbo's fastjson serialization: JSON
// texts, each on a line of its own.
//
// fastjson reads more than JSON (comments, names without quotes, references, types).
// Nobody writes that, and a reader that understood it otherwise than the provider would
// show another call than the provider runs: it is refused.
package jsontext

import (
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
)

// Errors of the reader.
var (
	ErrEnd     = errors.New("the body ends before it")
	ErrJSON    = errors.New("not JSON")
	ErrText    = errors.New("not a string")
	ErrUnicode = errors.New("not Unicode text")
	ErrObject  = errors.New("not an object")
)

// Lines are the lines of a body. Java's BufferedReader ends a line at a line feed, a
// carriage return, or both.
type Lines struct {
	b   []byte
	off int
}

// NewLines returns the lines of b from an offset on.
func NewLines(b []byte, from int) Lines { return Lines{b, from} }

// Offset is where the next line starts.
func (l *Lines) Offset() int { return l.off }

// Next returns where the next line stands, without its end; false if there is none.
func (l *Lines) Next() (from, to int, ok bool) {
	if l.off >= len(l.b) {
		return l.off, l.off, false
	}
	from, to = l.off, l.off
	for to < len(l.b) && l.b[to] != '\n' && l.b[to] != '\r' {
		to++
	}
	l.off = min(to+1, len(l.b))
	if to+1 < len(l.b) && l.b[to] == '\r' && l.b[to+1] == '\n' {
		l.off++
	}
	return from, to, true
}

// Text reads a line that is a string, or null, of which ok tells.
func Text(line []byte, keep text.Keeper) (s []byte, ok bool, err error) {
	if !json.Valid(line) {
		return nil, false, ErrJSON
	}
	v := space(line, 0)
	switch line[v] {
	case 'n':
		return nil, false, nil
	case '"':
		s, _, err = readText(line, v, keep)
		return s, err == nil, err
	}
	return nil, false, ErrText
}

// Member is a member of an object. The offsets are in the line.
type Member struct {
	Name     []byte
	From     int // of the name
	ValueAt  int
	To       int    // behind the value
	Text     []byte // of a string, number or boolean
	Scalar   bool   // Text is set
	IsString bool
	IsNull   bool
}

// Members calls visit with each member of the object that a line is. End is where the
// brace stands that closes it.
func Members(line []byte, keep text.Keeper, visit func(Member) error) (end int, err error) {
	if !json.Valid(line) {
		return 0, ErrJSON
	}
	at := space(line, 0)
	if line[at] != '{' {
		return at, ErrObject
	}
	// From here on the line is known to be JSON.
	for at = space(line, at+1); line[at] != '}'; {
		if line[at] == ',' {
			at = space(line, at+1)
		}
		m := Member{From: at}
		if m.Name, at, err = readText(line, at, keep); err != nil {
			return m.From, err
		}
		at = space(line, space(line, at)+1) // the colon
		m.ValueAt = at
		if at, err = m.readValue(line, at, keep); err != nil {
			return m.ValueAt, err
		}
		m.To = at
		if err := visit(m); err != nil {
			return m.From, err
		}
		at = space(line, at)
	}
	return at, nil
}

// readValue reads a value, or skips it, and returns where it ends.
func (m *Member) readValue(line []byte, at int, keep text.Keeper) (end int, err error) {
	switch line[at] {
	case '"':
		m.Scalar, m.IsString = true, true
		m.Text, end, err = readText(line, at, keep)
		return end, err
	case '{', '[':
		return skipNested(line, at), nil
	}
	end = at
	for line[end] != ',' && line[end] != '}' && line[end] != ' ' && line[end] != '\t' {
		end++
	}
	m.IsNull = line[at] == 'n'
	if m.Scalar = !m.IsNull; m.Scalar {
		m.Text = line[at:end:end]
	}
	return end, nil
}

// skipNested returns where an object or array ends.
func skipNested(line []byte, at int) int {
	depth := 0
	for {
		switch line[at] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			at = textEnd(line, at)
			continue
		}
		at++
		if depth == 0 {
			return at
		}
	}
}

// space returns where something else follows.
func space(line []byte, at int) int {
	for at < len(line) && (line[at] == ' ' || line[at] == '\t') {
		at++
	}
	return at
}

// textEnd returns where the string that starts at at ends.
func textEnd(line []byte, at int) int {
	for at++; line[at] != '"'; at++ {
		if line[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// readText reads the string that starts at at.
func readText(line []byte, at int, keep text.Keeper) (s []byte, end int, err error) {
	end = textEnd(line, at)
	s = line[at+1 : end-1 : end-1]
	for _, b := range s {
		if b == '\\' {
			if s, err = unescape(line[at:end]); err != nil {
				return nil, end, err
			}
			s = keep.Keep(s)
			break
		}
	}
	if !utf8.Valid(s) {
		return nil, end, ErrUnicode
	}
	return s, end, nil
}

// unescape decodes a string with escapes. Half a surrogate pair, which encoding/json
// replaces, is refused: Java keeps it.
func unescape(quoted []byte) ([]byte, error) {
	for i := 0; i < len(quoted); i++ {
		if quoted[i] != '\\' {
			continue
		}
		if i++; quoted[i] != 'u' {
			continue
		}
		switch unit := hex(quoted[i+1:]); {
		case unit >= 0xd800 && unit < 0xdc00:
			if i += 5; quoted[i] != '\\' || quoted[i+1] != 'u' || hex(quoted[i+2:])>>10 != 0xdc00>>10 {
				return nil, ErrUnicode
			}
			i += 5
		case unit >= 0xdc00 && unit < 0xe000:
			return nil, ErrUnicode
		}
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return nil, ErrJSON
	}
	return []byte(s), nil
}

// hex reads four digits.
func hex(digits []byte) (n int) {
	for _, d := range digits[:4] {
		switch {
		case d >= 'a':
			d -= 'a' - 10
		case d >= 'A':
			d -= 'A' - 10
		default:
			d -= '0'
		}
		n = n<<4 | int(d)
	}
	return n
}
