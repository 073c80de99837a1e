package abi

/*
#cgo CFLAGS: -O2 -Wall -Wextra
// Envoy's callbacks are found when Envoy loads the library.
#cgo LDFLAGS: -Wl,--unresolved-symbols=ignore-all
#include "meltemi.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Library is what a shared library carries.
type Library struct {
	Codecs  []sdk.Definition
	Filters []filter.Definition
}

// library is what the main package listed. It is set once, while the library's package
// variables are initialised, and only read afterwards.
var library struct {
	Library
	registered bool
	err        error // why Envoy must not use this library
}

// Register tells what this shared library carries. The main package calls it once, in
// the initialiser of a package variable, since main does not run in a shared library:
//
//	var _ = abi.Register(abi.Library{
//		Codecs:  []sdk.Definition{dubbo.Definition(), thrift.Definition()},
//		Filters: []filter.Definition{quota.Definition()},
//	})
//
// A missing or doubled name, or a second call, makes Envoy refuse the library with
// a sentence in its log.
func Register(l Library) struct{} {
	if library.registered {
		library.err = errors.Join(library.err, errors.New("abi.Register was called twice"))
		return struct{}{}
	}
	library.Library, library.registered = l, true
	library.err = check(l)
	return struct{}{}
}

func check(l Library) error {
	if len(l.Codecs) == 0 {
		return errors.New("the library carries no codec")
	}
	var errs []error
	codecs, filters := names{kind: "codec"}, names{kind: "filter"}
	for _, d := range l.Codecs {
		errs = append(errs, codecs.check(d.Name, d.New != nil))
	}
	for _, d := range l.Filters {
		errs = append(errs, filters.check(d.Name, d.New != nil))
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

// meltemiProgramInit is called once, when Envoy loads the library, on the main
// thread. False makes Envoy refuse it.
//
//export meltemiProgramInit
func meltemiProgramInit() C.bool {
	if !library.registered {
		library.err = errors.New("the library's main package does not call abi.Register")
	}
	if library.err != nil {
		logf(logCritical, "meltemi: %v", library.err)
		return false
	}
	return true
}
