package thrift

import (
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// arguments appends a struct of arguments. Without an id of its own an argument comes
// behind the one before it, the first in field 1.
func (w *valueWriter) arguments(list []sdk.Argument) error {
	last, next := int16(0), int16(1)
	for i, a := range list {
		t, err := typeOfArgument(a, next)
		if err == nil {
			err = w.fieldOf(t, a.Value, last)
		}
		if err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
		last, next = t.id, t.id+1
	}
	w.stop()
	return nil
}

func typeOfArgument(a sdk.Argument, id int16) (typeExpr, error) {
	if a.Type == "" {
		return guessType(a.Value, id)
	}
	return parseType(a.Type, id)
}

// fieldOf appends a field. One that is null is left out.
func (w *valueWriter) fieldOf(t typeExpr, v any, last int16) error {
	if v == nil {
		return nil
	}
	if t.kind == tBool {
		b, ok := v.(bool)
		if !ok {
			return mismatch(t, v)
		}
		w.boolField(b, t.id, last)
		return nil
	}
	w.field(t.kind, t.id, last)
	return w.value(t, v)
}
