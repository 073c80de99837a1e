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

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/carried"
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
	library.err = carried.Check(l.Codecs, l.Filters)
	return struct{}{}
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
