package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// Errors of Find.
var (
	ErrScalar = errors.New("neither text, a number nor a boolean")
	ErrStep   = errors.New("neither a list nor an object: the path leads no further")
	ErrNumber = errors.New("a number that is too large")
)

// Find looks for the value to which the steps lead from the one that a line is, and
// appends it as text, as sdk.ArgumentReader wants it. Null is none. After an error, at is
// the place of what is wrong.
func Find(dst, line []byte, steps []sdk.Step) (value []byte, found bool, at int, err error) {
	if !json.Valid(line) {
		return dst, false, 0, ErrJSON
	}
	f := finder{line: line}
	for follows := 0; ; follows++ {
		f.found = false
		f.look(space(line, 0), steps)
		if f.err != nil || !f.found {
			return dst, false, f.at, f.err
		}
		if f.reference == nil {
			break
		}
		if follows == text.MaxFollows {
			return dst, false, f.at, text.ErrFollow
		}
		way, err := text.ParseReference(f.reference)
		if err != nil {
			return dst, false, f.at, err
		}
		steps = slices.Concat(way, f.left)
	}
	value, found, err = f.appendScalar(dst)
	return value, found, f.at, err
}

// finder looks for a value in a line that is JSON.
type finder struct {
	line []byte
	at   int // of the value, or of what is wrong
	err  error

	found     bool
	reference []byte // what the value refers to; nil if it is no reference
	left      []sdk.Step
}

func (f *finder) fail(at int, err error) {
	if f.err == nil {
		f.at, f.err = at, err
	}
}

// look reads the value at at, notes what the steps lead to in it, and returns its end.
func (f *finder) look(at int, steps []sdk.Step) (end int) {
	switch c := f.line[at]; {
	case c == '{':
		return f.object(at, steps)
	case len(steps) == 0 || c == 'n':
		f.note(at, steps, nil)
	case c == '[':
		return f.list(at, steps)
	default:
		f.fail(at, ErrStep)
	}
	return f.skip(at)
}

func (f *finder) note(at int, steps []sdk.Step, reference []byte) {
	if f.err == nil {
		f.at, f.left, f.reference, f.found = at, steps, reference, true
	}
}

// skip returns where the value at at ends.
func (f *finder) skip(at int) (end int) {
	switch f.line[at] {
	case '"':
		return textEnd(f.line, at)
	case '{', '[':
		return skipNested(f.line, at)
	}
	for end = at; end < len(f.line); end++ {
		switch f.line[end] {
		case ',', ']', '}', ' ', '\t':
			return end
		}
	}
	return end
}

// object looks at an object. One whose only member is $ref stands for another value.
func (f *finder) object(at int, steps []sdk.Step) (end int) {
	var reference []byte
	members, seen := 0, false
	for end = space(f.line, at+1); f.err == nil && f.line[end] != '}'; end = space(f.line, end) {
		if f.line[end] == ',' {
			end = space(f.line, end+1)
		}
		members++
		from := end
		var name []byte
		name, end = f.text(end)
		end = space(f.line, space(f.line, end)+1) // the colon
		verdict := text.Other
		if len(steps) > 0 {
			verdict = text.Compare(name, steps[0].Name)
		}
		switch {
		case f.err != nil:
		case string(name) == "$ref" && f.line[end] == '"':
			reference, end = f.text(end)
		case verdict == text.Alike:
			f.fail(from, text.ErrAlike)
		case verdict == text.Same && seen:
			f.fail(from, text.ErrTwice)
		case verdict == text.Same:
			seen = true
			end = f.look(end, steps[1:])
		default:
			end = f.skip(end)
		}
	}
	switch {
	case reference != nil && members > 1:
		f.fail(at, text.ErrReference)
	case reference != nil || len(steps) == 0:
		f.note(at, steps, reference)
	}
	return end + 1
}

// list looks at a list.
func (f *finder) list(at int, steps []sdk.Step) (end int) {
	if !steps[0].IsNumber || steps[0].Number < 0 {
		f.fail(at, text.ErrIndex)
	}
	end = space(f.line, at+1)
	for i := 0; f.err == nil && f.line[end] != ']'; i++ {
		if f.line[end] == ',' {
			end = space(f.line, end+1)
		}
		if i == steps[0].Number {
			end = f.look(end, steps[1:])
		} else {
			end = f.skip(end)
		}
		end = space(f.line, end)
	}
	return end + 1
}

// text reads the string at at.
func (f *finder) text(at int) (s []byte, end int) {
	s, end, err := readText(f.line, at, text.Copier{})
	if err != nil {
		f.fail(at, err)
	}
	return s, end
}

// appendScalar appends the value that was found.
func (f *finder) appendScalar(dst []byte) (value []byte, found bool, err error) {
	at := f.at
	switch f.line[at] {
	case 'n':
		return dst, false, nil
	case '"':
		s, _ := f.text(at)
		return append(dst, s...), f.err == nil, f.err
	case '{', '[':
		return dst, false, ErrScalar
	case 't', 'f':
		return append(dst, f.line[at:f.skip(at)]...), true, nil
	}
	number := f.line[at:f.skip(at)]
	if n, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		return strconv.AppendInt(dst, n, 10), true, nil // 0 for -0
	}
	n, err := strconv.ParseFloat(string(number), 64)
	if err != nil || !bytes.ContainsAny(number, ".eE") { // an integer would be rounded
		return dst, false, ErrNumber
	}
	return wire.AppendFloat(dst, n, 64), true, nil
}
