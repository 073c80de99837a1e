package dubbo

import (
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errFirstStep = errors.New("the first step is the number of an argument, from 0")
	errPathType  = errors.New("messages tell the types of values: a path names none")
	errNoRequest = errors.New("only requests have arguments")
)

// CheckPath implements sdk.ArgumentReader. A path begins with the number of an argument,
// from 0, of a generic call one of those that it hands on. Further steps are the names
// of fields, the keys of maps (text or numbers), and the numbers of elements, from 0.
func (*Codec) CheckPath(p *sdk.Path) error {
	switch {
	case !p.Steps[0].IsNumber || p.Steps[0].Number < 0:
		return fmt.Errorf("path %q: %w", p, errFirstStep)
	case p.Type != "":
		return fmt.Errorf("path %q: %w", p, errPathType)
	}
	return nil
}

// AppendArgument implements sdk.ArgumentReader. A constant of an enumeration is its name,
// a BigDecimal its digits. References are followed, a few of them.
func (*Codec) AppendArgument(dst []byte, m *sdk.Message, path *sdk.Path) (value []byte, found bool, err error) {
	p := newParser(m)
	defer p.release()
	switch {
	case p.dialect == nil:
		return dst, false, unknownSerialization(p.serial)
	case m.Kind == sdk.KindResponse:
		return dst, false, sdk.Unreadable("arguments", -1, errNoRequest)
	}
	return p.dialect.appendArgument(p, dst, path.Steps)
}

// argumentAt finds out which of the arguments that follow a call's head the steps lead
// into. Of a generic call the last one is the list of all.
func (p *parser) argumentAt(n int, steps []sdk.Step) (at int, inside []sdk.Step, ok bool) {
	if p.generic {
		return n - 1, steps, true
	}
	return steps[0].Number, steps[1:], steps[0].Number < n
}
