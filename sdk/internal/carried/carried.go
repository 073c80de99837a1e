// Package carried checks what a main package has listed for a host to carry.
package carried

import (
	"errors"
	"fmt"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Check names what a host must not carry: a definition without a name or a constructor,
// or with the name of another of its kind, and a list without a codec.
func Check(codecs []sdk.Definition, filters []filter.Definition) error {
	if len(codecs) == 0 {
		return errors.New("the library carries no codec")
	}
	var errs []error
	seenCodecs, seenFilters := names{kind: "codec"}, names{kind: "filter"}
	for _, d := range codecs {
		errs = append(errs, seenCodecs.check(d.Name, d.New != nil))
	}
	for _, d := range filters {
		errs = append(errs, seenFilters.check(d.Name, d.New != nil))
	}
	return errors.Join(errs...)
}

// names are the names of one kind of thing that were listed so far.
type names struct {
	kind string
	seen []string
}

func (n *names) check(name string, made bool) error {
	at := len(n.seen)
	n.seen = append(n.seen, name)
	switch {
	case name == "":
		return fmt.Errorf("%s %d has no name", n.kind, at)
	case !made:
		return fmt.Errorf("%s %q has no constructor", n.kind, name)
	case slices.Contains(n.seen[:at], name):
		return fmt.Errorf("%s %q is listed twice", n.kind, name)
	}
	return nil
}
