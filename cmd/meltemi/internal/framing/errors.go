package framing

import "fmt"

// TooLargeError is a message over the limit. The connection cannot go on.
type TooLargeError struct {
	Size  int // length of the message, 0 if its beginning does not tell
	Limit int // the limit in bytes
}

// Error names both numbers.
func (e *TooLargeError) Error() string {
	if e.Size == 0 {
		return fmt.Sprintf("message is over the limit of %d bytes", e.Limit)
	}
	return fmt.Sprintf("message of %d bytes is over the limit of %d bytes", e.Size, e.Limit)
}

// TruncatedError is an input that ends within a message.
type TruncatedError struct {
	Have int // bytes of the message that are there
	Need int // length of the message, or the least that it has; 0 if its beginning does not tell
}

// Error names both numbers.
func (e *TruncatedError) Error() string {
	if e.Need == 0 {
		return fmt.Sprintf("ends in the middle of a message, after %d bytes of it", e.Have)
	}
	return fmt.Sprintf("ends in the middle of a message: %d of %d bytes are there", e.Have, e.Need)
}

// PanicError is a defect of a codec: one of its methods panicked.
type PanicError struct {
	Codec  string
	Method string
	Value  any
}

// Error names the codec and its method.
func (e *PanicError) Error() string {
	return fmt.Sprintf("codec %s: %s panicked: %v", e.Codec, e.Method, e.Value)
}
