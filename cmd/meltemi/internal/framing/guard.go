package framing

import (
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Metadata is Codec.Metadata behind a barrier: a panic is a PanicError.
func Metadata(codec sdk.Codec, m *sdk.Message) (err error) {
	defer barrier(codec, "Metadata", &err)
	return codec.Metadata(m)
}

// View is Viewer.View behind a barrier. ok is false for a codec without views.
func View(codec sdk.Codec, m *sdk.Message) (view sdk.View, ok bool, err error) {
	viewer, ok := codec.(sdk.Viewer)
	if !ok {
		return sdk.View{}, false, nil
	}
	defer barrier(codec, "View", &err)
	view, err = viewer.View(m)
	return view, true, err
}

// Argument is ArgumentReader.AppendArgument behind a barrier. found is false for a codec
// that finds no arguments.
func Argument(codec sdk.Codec, m *sdk.Message, p *sdk.Path) (value []byte, found bool, err error) {
	reader, ok := codec.(sdk.ArgumentReader)
	if !ok {
		return nil, false, nil
	}
	defer barrier(codec, "AppendArgument", &err)
	return reader.AppendArgument(nil, m, p)
}

// Protect calls f, which calls the named method of codec, behind the same barrier.
func Protect(codec sdk.Codec, method string, f func() error) (err error) {
	defer barrier(codec, method, &err)
	return f()
}

// decode is Codec.Decode behind a barrier that also refuses impossible lengths.
func decode(codec sdk.Codec, from sdk.Side, b []byte, m *sdk.Message) (n int, err error) {
	defer barrier(codec, "Decode", &err)
	m.Reset()
	n, err = codec.Decode(from, b, m)
	if err == nil && (n <= 0 || n > len(b)) {
		return 0, fmt.Errorf("codec %s: Decode returned length %d of %d", codec.Name(), n, len(b))
	}
	return n, err
}

func barrier(codec sdk.Codec, method string, err *error) {
	if value := recover(); value != nil {
		*err = &PanicError{Codec: codec.Name(), Method: method, Value: value}
	}
}
