package process

import (
	"errors"
	"fmt"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Check finds what is wrong with the list of codecs and filters that a library carries:
// a name that is missing or there twice, or a definition without a constructor.
func Check(codecs []sdk.Definition, filters []filter.Definition) error {
	if len(codecs) == 0 {
		return errors.New("the library carries no codec")
	}
	var errs []error
	first, second := names{kind: "codec"}, names{kind: "filter"}
	for _, d := range codecs {
		errs = append(errs, first.check(d.Name, d.New != nil))
	}
	for _, d := range filters {
		errs = append(errs, second.check(d.Name, d.New != nil))
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
