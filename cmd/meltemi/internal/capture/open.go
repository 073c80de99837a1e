package capture

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// Open detects the format of r, and unpacks it if it is compressed: the format is
// never Gzip. The reader that it returns starts at the first byte.
func Open(r io.Reader) (io.Reader, Format, error) {
	b := bufio.NewReader(r)
	format, err := peek(b)
	if err != nil || format != Gzip {
		return b, format, err
	}
	unpacked, err := gzip.NewReader(b)
	if err != nil {
		return nil, Raw, fmt.Errorf("gzip: %w", err)
	}
	b = bufio.NewReader(unpacked)
	format, err = peek(b)
	if err == nil && format == Gzip {
		err = errors.New("gzip: compressed twice")
	}
	return b, format, err
}

func peek(b *bufio.Reader) (Format, error) {
	start, err := b.Peek(magicSize)
	if err == nil {
		start, err = b.Peek(magicLength(start))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return Raw, err
	}
	return Detect(start), nil
}
