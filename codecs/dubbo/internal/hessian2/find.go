package hessian2

import (
	"errors"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// Errors of a Finder.
var (
	ErrScalar = errors.New("neither text, a number, a boolean nor a time")
	ErrStep   = errors.New("neither a list, a map nor an object: the path leads no further")
)

// Finder finds one value in a stream. It reads the stream from front to back, but for
// references, and stops when it has the value, unless a map is around it whose other
// keys have to be seen.
type Finder struct {
	Reader

	start int // of the stream: what references count from
	hit   place
	left  []sdk.Step // from there on
	found bool
}

// NewFinder returns a finder that goes on where r stands, before any list, map or object.
// It uses the memory of r.
func NewFinder(r *Reader) Finder { return Finder{Reader: *r, start: r.Offset()} }

// Find looks for the value to which the steps lead from the next value on: elements of
// lists by their index, of maps by their key, and fields by their name. If there is one,
// it is the next value then. Null is none.
func (f *Finder) Find(steps []sdk.Step) bool {
	for follows := 0; ; follows++ {
		f.found = false
		f.look(steps, false)
		if f.Err() != nil || !f.found {
			return false
		}
		f.back(f.hit)
		tag := f.Tag()
		switch tag {
		case 'N':
			return false
		case 'Q':
			if follows == text.MaxFollows {
				f.Fail(text.ErrFollow)
				return false
			}
			f.follow()
			steps = f.left
			continue
		}
		only, ok := f.only(tag)
		if !ok {
			return true
		}
		steps = only
	}
}

// look reads one value and notes what the steps lead to in it. Around it may be a map,
// for which it has to be read to its end.
func (f *Finder) look(steps []sdk.Step, around bool) {
	for f.Tag() == 'C' && f.Err() == nil {
		f.Uint8()
		f.class()
	}
	tag, ok := f.Peek()
	if !ok {
		f.Fail(wire.ErrShort)
		return
	}
	if len(steps) == 0 || tag == 'Q' || tag == 'N' {
		f.hit, f.left, f.found = f.place(), steps, true
		if around {
			f.Skip()
		}
		return
	}
	f.Uint8()
	switch {
	case tag >= 0x60 && tag <= 0x6f:
		f.field(int(tag-0x60), steps, around)
	case tag == 'O':
		f.field(f.Int(), steps, around)
	case tag == 'H' || tag == 'M':
		f.values++
		if tag == 'M' {
			f.typeName()
		}
		f.entry(steps)
	default:
		f.element(tag, steps, around)
	}
}

// field looks at an object, its class already read.
func (f *Finder) field(class int, steps []sdk.Step, around bool) {
	if class < 0 || class >= len(f.classes) {
		f.Fail(ErrReference)
		return
	}
	f.values++
	c := f.classes[class]
	at := f.fieldNamed(c, steps[0].Name)
	if at < 0 && !around {
		return
	}
	for i := range c.fields {
		switch {
		case f.Err() != nil, i > at && !around:
			return
		case i == at:
			f.look(steps[1:], around)
		default:
			f.Skip()
		}
	}
}

// fieldNamed is the number of the field with that name, -1 if there is none.
func (f *Finder) fieldNamed(c class, name string) int {
	names, at := f.names(c), -1
	for i := range c.fields {
		s, _ := names.Text(text.Copier{})
		switch text.Compare(s, name) {
		case text.Same:
			if at >= 0 {
				f.Fail(text.ErrTwice)
			}
			at = i
		case text.Alike:
			f.Fail(text.ErrAlike)
		case text.Other:
		}
	}
	return at
}

// names is a reader of the names of a class's fields.
func (f *Finder) names(c class) Reader {
	r := Reader{Reader: f.Reader.Reader}
	r.Rewind(c.names)
	return r
}

// entry looks at a map, from its first key on.
func (f *Finder) entry(steps []sdk.Step) {
	seen := false
	for f.Err() == nil && !f.End() {
		if f.Err() != nil || !f.isKey(&steps[0]) {
			f.Skip()
			continue
		}
		if seen {
			f.Fail(text.ErrTwice)
			return
		}
		seen = true
		f.look(steps[1:], true)
	}
}

// isKey reads a key, and reports whether it is that of the step.
func (f *Finder) isKey(s *sdk.Step) bool {
	if key, ok := f.IfText(text.Copier{}); ok {
		verdict := text.Compare(key, s.Name)
		if verdict == text.Alike {
			f.Fail(text.ErrAlike)
		}
		return verdict == text.Same
	}
	tag := f.Tag()
	switch {
	case isInt(tag):
		return f.Int() == s.Number && s.IsNumber
	case isLong(tag):
		f.Uint8()
		return f.long(tag) == int64(s.Number) && s.IsNumber
	}
	f.Skip()
	return false
}

// element looks at a list, its tag already read.
func (f *Finder) element(tag byte, steps []sdk.Step, around bool) {
	open := tag == 'U' || tag == 'W'
	typed := tag == 'U' || tag == 'V' || tag >= 0x70 && tag <= 0x77
	if !open && tag != 'V' && tag != 'X' && (tag < 0x70 || tag > 0x7f) {
		f.Fail(ErrStep)
		return
	}
	f.values++
	if typed {
		f.typeName()
	}
	n := int(tag & 7)
	switch {
	case open:
		n = f.Len()
	case tag == 'V' || tag == 'X':
		n = f.Int()
	}
	if !steps[0].IsNumber || steps[0].Number < 0 {
		f.Fail(text.ErrIndex)
	}
	if n < 0 || n > f.Len() {
		f.Fail(wire.ErrShort)
	}
	for i := 0; i < n && f.Err() == nil && !(open && f.End()); i++ {
		switch {
		case i > steps[0].Number && !around:
			return
		case i == steps[0].Number:
			f.look(steps[1:], around)
		default:
			f.Skip()
		}
	}
}
