package cli

import (
	"errors"
	"fmt"
)

// Code is an exit code of the command line.
type Code int

// The exit codes of every command.
const (
	// Good: the command did what it was asked to.
	Good Code = 0
	// Failed: the call or the check failed.
	Failed Code = 1
	// Usage: the command line itself is wrong.
	Usage Code = 2
	// Unfit: Envoy is missing, too old, or lacks what Meltemi needs.
	Unfit Code = 3
)

// Error is an error that decides the exit code of the command that returns it.
type Error struct {
	Code Code
	Err  error
}

// Error is the text of the error inside.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap is the error inside.
func (e *Error) Unwrap() error { return e.Err }

// Usagef makes an error that ends the command with Usage.
func Usagef(format string, args ...any) error {
	return &Error{Code: Usage, Err: fmt.Errorf(format, args...)}
}

// Unfitf makes an error that ends the command with Unfit.
func Unfitf(format string, args ...any) error {
	return &Error{Code: Unfit, Err: fmt.Errorf(format, args...)}
}

// CodeOf is the exit code that err stands for: Good for nil, the code of an Error
// anywhere in its chain, Failed for anything else.
func CodeOf(err error) Code {
	if err == nil {
		return Good
	}
	if coded, ok := errors.AsType[*Error](err); ok {
		return coded.Code
	}
	return Failed
}
