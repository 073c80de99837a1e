package format

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxLine is the greatest length of a line: two messages of 16 MiB in base64, and room
// for what stands around them.
const MaxLine = 64 << 20

// start is how each file begins.
const start = `{"type":"header","format":"meltemi-calls"`

// StartSize is how many bytes Is wants.
const StartSize = len(start)

// Is tells whether a file that begins so holds recorded calls.
func Is(first []byte) bool { return bytes.HasPrefix(first, []byte(start)) }

// LineError is a line that cannot be read. Those behind it may be sound.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error names the line.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns Err.
func (e *LineError) Unwrap() error { return e.Err }

// ErrNoHeader is a file that does not begin as recorded calls do.
var ErrNoHeader = errors.New("line 1: no header of recorded calls (" + start + "...)")

var (
	errCut  = errors.New("the file ends in the middle of it")
	errLong = fmt.Errorf("longer than %d bytes", MaxLine)
)

// Reader reads a file of recorded calls. It is used by one goroutine.
type Reader struct {
	r      *bufio.Reader
	header *Header
	line   int
	buf    []byte
	failed error // fatal
}

// NewReader returns a reader of a file.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 64<<10)} }

// Header is the header of the call that Next returned last; nil before the first. A file
// that consists of several has several.
func (r *Reader) Header() *Header { return r.header }

// Line is the number of the line that Next has read last, from 1.
func (r *Reader) Line() int { return r.line }

// Next returns the next call, which is the caller's. It returns io.EOF at the end, and a
// *LineError for a line that cannot be read, after which Next can be called again. After
// any other error it cannot: ErrNoHeader, a version that is too new, or what the file's
// Read returned.
func (r *Reader) Next() (*Call, error) {
	for r.failed == nil {
		line, err := r.next()
		switch {
		case r.line <= 1 && r.header == nil && !Is(line) && (err == nil || errors.Is(err, errCut) || errors.Is(err, io.EOF)):
			r.failed = ErrNoHeader
			continue
		case errors.Is(err, errCut) || errors.Is(err, errLong):
			return nil, &LineError{r.line, err}
		case err != nil:
			r.failed = err
			continue
		case len(line) == 0:
			continue
		}
		c, err := r.parse(line)
		if c != nil || err != nil && r.failed == nil {
			return c, err
		}
	}
	return nil, r.failed
}

// parse reads a line. It returns nothing for one that is no call.
func (r *Reader) parse(line []byte) (*Call, error) {
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		if r.header == nil {
			r.failed = &fatalError{r.line, err}
		}
		return nil, &LineError{r.line, err}
	}
	switch kind.Type {
	case typeHeader:
		return nil, r.readHeader(line)
	case typeCall:
		c := &Call{}
		err := json.Unmarshal(line, c)
		if err == nil {
			err = c.check()
		}
		if err != nil {
			return nil, &LineError{r.line, err}
		}
		return c, nil
	case "":
		return nil, &LineError{r.line, errors.New(`"type" is missing`)}
	}
	return nil, nil //nolint:nilnil // a type of a later time
}

// readHeader reads a header. Without one nothing of what follows can be read.
func (r *Reader) readHeader(line []byte) error {
	h := &Header{}
	err := json.Unmarshal(line, h)
	switch {
	case err != nil:
		r.failed = &fatalError{r.line, err}
	case h.Format != Name:
		r.failed = &fatalError{r.line, fmt.Errorf("format %q is not %q", h.Format, Name)}
	case h.Version < 1 || h.Version > Version:
		r.failed = &fatalError{r.line, fmt.Errorf("version %d is not known: this program reads up to %d", h.Version, Version)}
	default:
		r.header = h
	}
	return r.failed
}

// fatalError is a header that cannot be read.
type fatalError struct {
	line int
	err  error
}

func (e *fatalError) Error() string { return fmt.Sprintf("line %d: header: %v", e.line, e.err) }

func (e *fatalError) Unwrap() error { return e.err }

// check finds what a call must have.
func (c *Call) check() error {
	switch {
	case c.Kind != KindRequest && c.Kind != KindOneWay:
		return fmt.Errorf("kind %q is neither %s nor %s", c.Kind, KindRequest, KindOneWay)
	case c.Codec == "":
		return errors.New("codec is missing")
	}
	return nil
}

// next returns the next line without its end, valid until it is called again: errCut for
// one that the file ends in, errLong for one that was left out.
func (r *Reader) next() ([]byte, error) {
	r.line++
	r.buf = r.buf[:0]
	long := false
	for {
		piece, err := r.r.ReadSlice('\n')
		long = long || len(r.buf)+len(piece) > MaxLine
		if !long {
			r.buf = append(r.buf, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(r.buf) == 0 && !long:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("line %d: %w", r.line, err)
		case long:
			return nil, errLong
		}
		line := bytes.TrimRight(r.buf, "\r\n")
		if err != nil && !json.Valid(line) {
			return line, errCut
		}
		return line, nil
	}
}
