package cli

import (
	"errors"
	"fmt"
	"testing"
)

func TestCodeOf(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want Code
	}{
		{"nil", nil, Good},
		{"plain", errors.New("call failed"), Failed},
		{"usage", Usagef("no such flag %q", "--x"), Usage},
		{"unfit, wrapped", fmt.Errorf("start: %w", Unfitf("too old")), Unfit},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := CodeOf(test.err); got != test.want {
				t.Errorf("CodeOf(%v) = %d, want %d", test.err, got, test.want)
			}
		})
	}
}
