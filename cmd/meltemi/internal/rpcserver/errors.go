package rpcserver

import "errors"

// buildError is a message that the codec could not make. Nothing was written.
type buildError struct{ err error }

func (e *buildError) Error() string { return "cannot make the answer: " + e.err.Error() }
func (e *buildError) Unwrap() error { return e.err }

func asBuildError(err error, target **buildError) bool { return errors.As(err, target) }
