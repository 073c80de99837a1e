package text

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// ErrReference is the error for a reference that is not followed.
var ErrReference = errors.New("a reference that does not lead from the top by plain names and numbers")

// ErrFollow is the error for a value with too many references on the way to it.
var ErrFollow = errors.New("too many references on the way")

// MaxFollows is how many references are followed. For each the value is read once more
// from its start.
const MaxFollows = 4

// ParseReference parses a reference as fastjson and fastjson2 write it, such as
// $.children[0].name: the way from the outermost value. They write others too, such as
// ".." and "@", but what these mean depends on who reads them.
// Sources: fastjson, SerialContext.toString; fastjson2, JSONWriter.Path.
func ParseReference(b []byte) (steps []sdk.Step, err error) {
	b, fromTop := bytes.CutPrefix(b, []byte("$"))
	if !fromTop {
		return nil, ErrReference
	}
	for len(b) > 0 {
		if len(steps) == sdk.MaxDepth {
			return nil, ErrReference
		}
		var name []byte
		switch b[0] {
		case '.':
			n := bytes.IndexAny(b[1:], ".[")
			if n < 0 {
				n = len(b) - 1
			}
			name, b = b[1:1+n], b[1+n:]
			if len(name) == 0 || bytes.ContainsAny(name, "\\\"']") {
				return nil, ErrReference
			}
			steps = append(steps, sdk.Step{Name: string(name)})
		case '[':
			n := bytes.IndexByte(b, ']')
			if n < 0 {
				return nil, ErrReference
			}
			name, b = b[1:n], b[n+1:]
			number, err := strconv.ParseUint(string(name), 10, 31)
			if err != nil {
				return nil, ErrReference
			}
			steps = append(steps, sdk.Step{Name: string(name), Number: int(number), IsNumber: true})
		default:
			return nil, ErrReference
		}
	}
	return steps, nil
}
