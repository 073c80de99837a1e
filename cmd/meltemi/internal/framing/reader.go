package framing

import (
	"errors"
	"io"

	"github.com/meltemi-mesh/meltemi/sdk"
)

const readSize = 32 << 10

// Reader reads messages from a stream, such as a connection.
type Reader struct {
	src   io.Reader
	split *Splitter
	buf   []byte
}

// NewReader returns a reader of what the given side sent; limit is as in NewSplitter.
func NewReader(src io.Reader, codec sdk.Codec, from sdk.Side, limit int) *Reader {
	return &Reader{src: src, split: NewSplitter(codec, from, limit), buf: make([]byte, readSize)}
}

// Next reads a message into m, whose slices are valid until the next call. It
// returns io.EOF at the end between two messages, a *TruncatedError at the end
// within one, what the stream's Read returned, or an error of Splitter.Next. After a
// *sdk.CallError, and after a Read that timed out, Next can be called again.
func (r *Reader) Next(m *sdk.Message) error {
	for {
		err := r.split.Next(m)
		if !errors.Is(err, sdk.ErrNeedMore) {
			return err
		}
		n, err := r.src.Read(r.buf)
		r.split.Feed(r.buf[:n])
		if n > 0 || err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			return err
		}
		if err := r.split.End(); err != nil {
			return err
		}
		return io.EOF
	}
}

// Pending is the number of bytes of an incomplete message that have arrived.
func (r *Reader) Pending() int { return r.split.Pending() }

// Offset is where the next message starts, counted from the first byte read.
func (r *Reader) Offset() int64 { return r.split.Offset() }
