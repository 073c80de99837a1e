package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/capture"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/filters/record/format"
)

// recordedFile is an open file of recorded calls.
type recordedFile struct {
	name   string // "" if there is but one
	reader *format.Reader
}

// openRecorded opens the files. An error is one of usage.
func openRecorded(names []string, stdin io.Reader) (files []recordedFile, closeAll func(), err error) {
	var opened []io.Closer
	closeAll = func() {
		for _, f := range opened {
			_ = f.Close() // only read
		}
	}
	for _, name := range names {
		from := stdin
		if name != "-" {
			f, err := os.Open(name) //nolint:gosec // the user names it
			if err != nil {
				closeAll()
				return nil, nil, cli.Usagef("%w", err)
			}
			opened = append(opened, f)
			from = asItIs(f)
		}
		input, what, err := capture.Open(from)
		if err == nil && what != capture.Calls {
			err = errors.New("no recorded calls: the filter record writes them")
		}
		if err != nil {
			closeAll()
			return nil, nil, cli.Usagef("%s: %w", name, err)
		}
		if len(names) == 1 {
			name = ""
		}
		files = append(files, recordedFile{name, format.NewReader(input)})
	}
	return files, closeAll, nil
}

// asItIs is the content that a file has now. A proxy on the way may record the calls that
// are sent into the same file, without an end.
func asItIs(f *os.File) io.Reader {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f
	}
	return io.LimitReader(f, info.Size())
}

// job is a call to be sent, or a line that cannot be.
type job struct {
	file  string
	line  int
	codec *madeCodec
	call  *format.Call
	bad   error // why there is no call
}

// place is where the call is, for people.
func (j *job) place() string {
	if j.file == "" {
		return fmt.Sprintf("line %d", j.line)
	}
	return fmt.Sprintf("%s line %d", j.file, j.line)
}

// file sends the calls of a file. Its error is of a file that cannot be read on.
func (r *replayer) file(ctx context.Context, f recordedFile, jobs chan<- *job) error {
	for !r.done(ctx) {
		j, err := r.next(f)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && f.name != "":
			return fmt.Errorf("%s: %w", f.name, err)
		case err != nil:
			return err
		case j == nil, j.bad == nil && !r.wait(ctx, j.call):
			continue
		}
		select {
		case jobs <- j:
			if j.bad == nil {
				r.number++
			}
		case <-ctx.Done():
		}
	}
	return nil
}

// next reads a line. It returns nothing for a call that is not to be sent.
func (r *replayer) next(f recordedFile) (*job, error) {
	c, err := f.reader.Next()
	j := &job{file: f.name, line: f.reader.Line(), call: c}
	if bad, is := errors.AsType[*format.LineError](err); is {
		j.bad = bad.Err
		return j, nil // the next line may be sound
	}
	if err != nil {
		return nil, err
	}
	if !r.methods.Empty() && !r.methods.Match(c.Service, c.Method) {
		return nil, nil //nolint:nilnil // as told
	}
	j.codec = r.codecs.make(f.reader.Header(), c.Codec)
	if j.bad = j.codec.err; j.bad != nil {
		return j, nil //nolint:nilerr // it is this call's
	}
	if c.Request == nil || c.Request.Frame == nil {
		r.print.leftOut()
		return nil, nil //nolint:nilnil // as told
	}
	r.print.redacted(c)
	return j, nil
}
