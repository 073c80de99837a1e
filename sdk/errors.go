package sdk

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNeedMore is Decode's answer to the beginning of a message: come again with
// more bytes. It is a verdict, not a failure.
var ErrNeedMore = errors.New("need more bytes")

// CallError refuses one message and leaves its connection alone.
type CallError struct {
	Cause   Cause  // what the client is told and what is counted
	Element string // which part of the message, such as "attachments"; may be empty
	Offset  int    // where in the message, in bytes from its start; -1 if unknown
	Err     error  // what is wrong there
}

// Error names the element and the place.
func (e *CallError) Error() string { return place(e.Cause.String(), e.Element, e.Offset, e.Err) }

// Unwrap returns Err.
func (e *CallError) Unwrap() error { return e.Err }

// ConnectionError ends a connection: the boundary between messages is lost.
type ConnectionError struct {
	Element string // which part of the message, such as "magic"; may be empty
	Offset  int    // where, in bytes from the start of the message; -1 if unknown
	Err     error  // what is wrong there
}

// Error names the element and the place.
func (e *ConnectionError) Error() string { return place("", e.Element, e.Offset, e.Err) }

// Unwrap returns Err.
func (e *ConnectionError) Unwrap() error { return e.Err }

// Malformed is a CallError for a message whose frame is sound and whose content
// is not.
func Malformed(element string, offset int, err error) *CallError {
	return &CallError{Cause: CauseMalformed, Element: element, Offset: offset, Err: err}
}

// Unreadable is a CallError for a message whose service and method cannot be
// read, such as one in a serialization that the codec does not know.
func Unreadable(element string, offset int, err error) *CallError {
	return &CallError{Cause: CauseUnreadable, Element: element, Offset: offset, Err: err}
}

// Unsupported is a CallError for a change that the protocol has no place for.
func Unsupported(element string, err error) *CallError {
	return &CallError{Cause: CauseUnsupported, Element: element, Offset: -1, Err: err}
}

func place(cause, element string, offset int, err error) string {
	var b strings.Builder
	sep := func(s string) {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(s)
	}
	if cause != "" {
		sep(cause)
	}
	if element != "" {
		sep(element)
	}
	if offset >= 0 {
		sep(fmt.Sprintf("at byte %d", offset))
	}
	if err != nil {
		sep(err.Error())
	}
	if b.Len() == 0 {
		return "error"
	}
	return b.String()
}
