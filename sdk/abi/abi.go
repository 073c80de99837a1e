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

	"github.com/meltemi-mesh/meltemi/sdk"
)

// library is what the process carries: the codecs that the main package listed.
// It is set once, while the library's package variables are initialised, and only
// read afterwards.
var library struct {
	codecs []sdk.Definition
	err    error // why Envoy must not use this library
}

// Register tells which codecs this shared library carries. The main package calls
// it once, in the initialiser of a package variable, since main does not run in a
// shared library:
//
//	var _ = abi.Register(dubbo.Definition(), thrift.Definition())
//
// A missing or doubled name, or a second call, makes Envoy refuse the library with
// a sentence in its log.
func Register(codecs ...sdk.Definition) struct{} {
	if library.codecs != nil || library.err != nil {
		library.err = errors.Join(library.err, errors.New("abi.Register was called twice"))
		return struct{}{}
	}
	library.codecs = codecs
	library.err = check(codecs)
	return struct{}{}
}

func check(codecs []sdk.Definition) error {
	if len(codecs) == 0 {
		return errors.New("the library carries no codec")
	}
	seen := make(map[string]bool, len(codecs))
	var errs []error
	for i, d := range codecs {
		switch {
		case d.Name == "":
			errs = append(errs, fmt.Errorf("codec %d has no name", i))
		case d.New == nil:
			errs = append(errs, fmt.Errorf("codec %q has no constructor", d.Name))
		case seen[d.Name]:
			errs = append(errs, fmt.Errorf("codec %q is listed twice", d.Name))
		}
		seen[d.Name] = true
	}
	return errors.Join(errs...)
}

// meltemiProgramInit is called once, when Envoy loads the library, on the main
// thread. False makes Envoy refuse it.
//
//export meltemiProgramInit
func meltemiProgramInit() C.bool {
	if library.codecs == nil && library.err == nil {
		library.err = errors.New("the library's main package does not call abi.Register")
	}
	if library.err != nil {
		logf(logCritical, "meltemi: %v", library.err)
		return false
	}
	return true
}

//export meltemiRefuseHTTPFilter
func meltemiRefuseHTTPFilter(name *C.char, length C.size_t) {
	logf(logError, "meltemi: this library carries no HTTP filter named %q", goString(name, length))
}
