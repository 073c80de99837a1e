package thrift

import (
	"errors"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errTwice   = errors.New("there twice")
	errIndex   = errors.New("the elements of a list have numbers, from 0")
	errStep    = errors.New("neither a struct, a list, a set nor a map: the path leads no further")
	errScalar  = errors.New("a struct or a container, and no single value")
	errBool    = errors.New("neither true nor false")
	errInteger = errors.New("more than its type holds")
)

// finder looks for one value in a struct. It reads each struct and map on the way to its
// end, since what comes there twice is refused: some servers take the first, some the
// last, and some put two structs together.
type finder struct {
	b        []byte
	protocol protocol
	skipper  skipper

	kind   wireType // of the value
	at     int      // where it stands, or what is wrong
	inline bool     // a bool that is its field's head
	truth  bool     // that bool
	found  bool
	err    error
}

func (f *finder) fail(at int, err error) {
	if f.err == nil {
		f.at, f.err = at, err
	}
}

// failed reports whether an element could not be read.
func (f *finder) failed(at, need int, err error) bool {
	if err == nil && need > 0 {
		err = errEndsEarly
	}
	if err != nil {
		f.fail(at, err)
	}
	return f.err != nil
}

// structure reads the struct at at, notes what the steps lead to in it, and returns its
// end.
func (f *finder) structure(at int, steps []sdk.Step) (end int) {
	seen := false
	for id := int16(0); ; {
		head, need, err := readField(f.b, at, f.protocol)
		if f.failed(at, need, err) {
			return at
		}
		if head.kind == tStop {
			return head.value
		}
		id = head.number(id)
		switch ours := steps[0].IsNumber && steps[0].Number == int(id); {
		case ours && seen:
			f.fail(at, errTwice)
		case ours && head.inline:
			seen = true
			f.inlined(&head, steps[1:])
			at = head.value
		case ours:
			seen = true
			at = f.look(head.value, head.kind, steps[1:])
		case head.inline:
			at = head.value
		default:
			at = f.skip(head.value, head.kind)
		}
		if f.err != nil {
			return at
		}
	}
}

// inlined notes a bool that is its field's head.
func (f *finder) inlined(head *field, steps []sdk.Step) {
	if len(steps) > 0 {
		f.fail(head.value, errStep)
		return
	}
	f.kind, f.at, f.inline, f.truth, f.found = tBool, head.value, true, head.truth, true
}

// look reads a value, notes what the steps lead to in it, and returns its end.
func (f *finder) look(at int, t wireType, steps []sdk.Step) (end int) {
	if len(steps) == 0 {
		if end = f.skip(at, t); f.err == nil {
			f.kind, f.at, f.found = t, at, true
		}
		return end
	}
	if t == tStruct {
		return f.structure(at, steps)
	}
	if t != tList && t != tSet && t != tMap {
		f.fail(at, errStep)
		return at
	}
	c, need, err := readContainer(f.b, at, t, f.protocol)
	switch {
	case f.failed(at, need, err):
		return at
	case t == tMap:
		return f.entry(c, steps)
	}
	return f.element(at, c, t, steps)
}

// element looks at a list or a set.
func (f *finder) element(at int, c container, t wireType, steps []sdk.Step) (end int) {
	if !steps[0].IsNumber || steps[0].Number < 0 {
		f.fail(at, errIndex)
		return at
	}
	index := uint32(steps[0].Number)                                 //nolint:gosec // not negative
	if size := c.types[0].size(f.protocol); c.left > 0 && size > 0 { // all have that size
		if end = f.skip(at, t); f.err == nil && index < c.left {
			f.look(c.elements+int(index)*size, c.types[0], steps[1:])
		}
		return end
	}
	end = c.elements
	for i := uint32(0); i < c.left && f.err == nil; i++ {
		if i == index {
			end = f.look(end, c.types[0], steps[1:])
		} else {
			end = f.skip(end, c.types[0])
		}
	}
	return end
}

// entry looks at a map.
func (f *finder) entry(c container, steps []sdk.Step) (end int) {
	seen := false
	end = c.elements
	for ; c.left > 0 && f.err == nil; c.left -= 2 {
		at := end
		if end = f.skip(at, c.types[0]); f.err != nil {
			break
		}
		switch ours := f.isKey(at, c.types[0], steps[0].Name); {
		case ours && seen:
			f.fail(at, errTwice)
		case ours:
			seen = true
			end = f.look(end, c.types[1], steps[1:])
		default:
			end = f.skip(end, c.types[1])
		}
	}
	return end
}

// isKey reports whether the key at at is written like that.
func (f *finder) isKey(at int, t wireType, name string) bool {
	r := valueReader{b: f.b, at: at, protocol: f.protocol}
	switch t { //nolint:exhaustive // the others are no keys of a path
	case tString:
		return string(r.text()) == name // skip has found it whole
	case tBool:
		truth, ok := boolOf(f.b[at], f.protocol)
		if !ok {
			f.fail(at, errBool)
		}
		return strconv.FormatBool(truth) == name
	case tI8, tI16, tI32, tI64:
		var digits [20]byte
		n := r.exact(t)
		f.failed(at, 0, r.err)
		return string(strconv.AppendInt(digits[:0], n, 10)) == name
	}
	return false
}

// skip returns where the value at at ends.
func (f *finder) skip(at int, t wireType) (end int) {
	s := &f.skipper
	s.protocol, s.at, s.depth = f.protocol, at, 0
	next, need, err := s.value(f.b, at, t)
	if f.failed(at, need, err) {
		return at
	}
	s.at = next
	_, need, err = s.runTo(f.b, 0)
	f.failed(s.at, need, err)
	return s.at
}
