package jsonb

import (
	"errors"
	"slices"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// Errors of a Finder.
var (
	ErrScalar = errors.New("neither text, a number, a boolean nor a time")
	ErrStep   = errors.New("neither a list nor an object: the path leads no further")
)

// Finder finds one value in a chunk. It reads the chunk from front to back, but for
// references, and stops when it has the value, unless an object is around it whose other
// keys have to be seen.
type Finder struct {
	Reader

	hit   int // where the value stands
	left  []sdk.Step
	refer []byte // Reader.refers before it
	found bool
}

// NewFinder returns a finder in a chunk.
func NewFinder(chunk []byte) Finder { return Finder{Reader: NewReader(chunk)} }

// Find looks for the value to which the steps lead from the chunk's: elements of lists by
// their index, of objects by their key. If there is one, it is the next value then. Null
// is none.
func (f *Finder) Find(steps []sdk.Step) bool {
	for follows := 0; ; follows++ {
		f.found = false
		f.look(steps, false)
		if f.Err() != nil || !f.found {
			return false
		}
		f.Rewind(f.hit)
		if f.tag() != tagReference {
			return f.tag() != tagNull
		}
		if follows == text.MaxFollows {
			f.Fail(text.ErrFollow)
			return false
		}
		f.Uint8()
		f.refers = f.refer
		way, err := text.ParseReference(f.readReference())
		if err != nil {
			f.Fail(err)
		}
		steps = slices.Concat(way, f.left)
		f.Rewind(0) // symbols get the same numbers again
	}
}

// look reads one value and notes what the steps lead to in it. Around it may be an
// object, for which it has to be read to its end.
func (f *Finder) look(steps []sdk.Step, around bool) {
	for f.tag() == tagTyped && f.Err() == nil {
		f.Uint8()
		f.typeName()
	}
	tag, ok := f.Peek()
	if !ok {
		f.Fail(wire.ErrShort)
		return
	}
	if len(steps) == 0 || tag == tagReference || tag == tagNull {
		f.hit, f.left, f.refer, f.found = f.Offset(), steps, f.refers, true
		if around {
			f.Skip()
		}
		return
	}
	f.Uint8()
	switch {
	case tag == tagObject:
		f.member(steps)
	case tag == tagArray:
		f.element(f.Length(), steps, around)
	case tag >= tagArrayFix && tag < tagArray:
		f.element(int(tag-tagArrayFix), steps, around)
	default:
		f.Fail(ErrStep)
	}
}

// member looks at an object, from its first key on. A key with a reference comes again
// with null, which fastjson2 writes behind references to fields' values; as references
// are resolved last, they are what counts.
func (f *Finder) member(steps []sdk.Step) {
	seen, reference := false, false
	for f.Err() == nil && !f.End() {
		isKey := f.isKey(&steps[0])
		tag := f.tag()
		switch {
		case f.Err() != nil:
		case !isKey, reference && tag == tagNull:
			f.Skip()
		case seen:
			f.Fail(text.ErrTwice)
		default:
			seen, reference = true, tag == tagReference
			f.look(steps[1:], true)
		}
	}
}

// isKey reads a key, and reports whether it is that of the step.
func (f *Finder) isKey(s *sdk.Step) bool {
	if tag := f.tag(); tag != tagSymbol && !isText(tag) {
		n, ok := f.integer(tag)
		if !ok {
			f.Skip()
		}
		return ok && s.IsNumber && n == int64(s.Number)
	}
	verdict := text.Compare(f.Key(text.Copier{}), s.Name)
	if verdict == text.Alike {
		f.Fail(text.ErrAlike)
	}
	return verdict == text.Same
}

// element looks at a list of n elements.
func (f *Finder) element(n int, steps []sdk.Step, around bool) {
	if !steps[0].IsNumber || steps[0].Number < 0 {
		f.Fail(text.ErrIndex)
	}
	if n < 0 || n > f.Len() {
		f.Fail(wire.ErrShort)
	}
	for i := 0; i < n && f.Err() == nil; i++ {
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
