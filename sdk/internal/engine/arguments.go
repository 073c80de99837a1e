package engine

import (
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var errNoArguments = errors.New("the codec finds no arguments (sdk.ArgumentReader)")

// CheckPath reports what is wrong with a path to an argument. It is nil if any of the
// codecs knows such paths.
func (c *Config) CheckPath(p *sdk.Path) error {
	problems := make([]error, 0, len(c.codecs))
	for _, codec := range c.codecs {
		reader, ok := codec.(sdk.ArgumentReader)
		err := errNoArguments
		if ok {
			err = reader.CheckPath(p)
		}
		if err == nil {
			return nil
		}
		problems = append(problems, fmt.Errorf("codec %s: %w", codec.Name(), err))
	}
	return errors.Join(problems...)
}

// Opened is one whole request that its codec has read. The bytes are borrowed.
type Opened struct {
	reader *reader
	m      sdk.Message
}

// Open reads a request. The codec reads it alone, as for View.
func (c *Config) Open(codec int, request []byte) (*Opened, error) {
	o := &Opened{reader: c.reader(codec)}
	if err := o.reader.read(sdk.FromClient, request, &o.m); err != nil {
		return nil, err
	}
	return o, nil
}

// Is reports whether it is the request in b, in the same memory.
func (o *Opened) Is(b []byte) bool {
	return len(b) > 0 && len(b) == len(o.m.Bytes) && &b[0] == &o.m.Bytes[0]
}

// AppendArgument appends the argument to which p leads.
func (o *Opened) AppendArgument(dst []byte, p *sdk.Path) (text []byte, found bool, err error) {
	reader, ok := o.reader.codec.(sdk.ArgumentReader)
	if !ok {
		return dst, false, errNoArguments
	}
	defer o.reader.recover("AppendArgument", func(cause error) { text, found, err = dst, false, internalError(cause) })
	if err := reader.CheckPath(p); err != nil {
		return dst, false, err
	}
	return reader.AppendArgument(dst, &o.m, p)
}
