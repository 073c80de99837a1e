package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
)

const (
	// fileTime is the time in a file's name, in UTC: names sort by age.
	fileTime  = "20060102T150405.000Z"
	extension = ".jsonl"
	// fileTries is how many names are tried for a file: others may make some at the same
	// time.
	fileTries = 1000
)

// files are the files of a writer, one after the other. A file is new and belongs to one
// writer: two listeners, a listener and the one that replaces it, and two processes never
// write the same. It is locked while it is written, so that none of the others removes it.
// It is used by one goroutine.
type files struct {
	directory, name string
	maxBytes        int64
	maxAge          time.Duration // 0: any
	keep            int
	header          format.Header

	next    time.Time // the earliest that the next file's name may say
	file    *os.File  // nil if none is open
	size    int64
	created time.Time
	buf     []byte
	stale   error // why the last old file could not be removed
}

// write appends a call, to a new file if it is time for one. After an error the file ends
// with the call before.
func (f *files) write(c *format.Call, now time.Time) error {
	line, err := c.Append(f.buf[:0])
	if err != nil {
		return err
	}
	f.buf = line
	if f.file != nil && (f.size+int64(len(line)) > f.maxBytes || f.maxAge > 0 && now.Sub(f.created) >= f.maxAge || f.lost()) {
		f.close()
	}
	if f.file == nil {
		if err := f.create(now); err != nil {
			return err
		}
	}
	return f.append(line)
}

// lost tells whether the open file is no longer there under its name: what is written to
// it nobody would find.
func (f *files) lost() bool {
	is, err := f.file.Stat()
	if err != nil {
		return true
	}
	named, err := os.Stat(f.file.Name())
	return err != nil || !os.SameFile(is, named)
}

// append writes a line with one call of the system, so that a crash of the process cuts
// none.
func (f *files) append(line []byte) error {
	n, err := f.file.Write(line)
	if err == nil {
		f.size += int64(n)
		return nil
	}
	if n > 0 {
		err = errors.Join(err, f.file.Truncate(f.size))
	}
	f.close()
	return err
}

// create begins a file, and removes old ones.
func (f *files) create(now time.Time) error {
	header := f.header
	header.Created = now.UTC()
	line, err := header.Append(nil)
	if err != nil {
		return err
	}
	stamp := now.UTC()
	if stamp.Before(f.next) { // a clock that was turned back makes no file look old
		stamp = f.next
	}
	for range fileTries {
		path := filepath.Join(f.directory, f.name+"-"+stamp.Format(fileTime)+extension)
		f.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600) //nolint:gosec // the configuration names it
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		stamp = stamp.Add(time.Millisecond)
	}
	if err != nil {
		f.file = nil
		return err
	}
	_ = lock(f.file) // where that cannot be done, lost tells when another has removed it
	f.size, f.created, f.next = 0, now, stamp.Add(time.Millisecond)
	path := f.file.Name()
	if err := f.append(line); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	f.stale = f.prune()
	return nil
}

// prune removes the oldest files of the name, until there are no more than are to be
// kept. Files that others of the name are writing stay.
func (f *files) prune() error {
	entries, err := os.ReadDir(f.directory)
	if err != nil {
		return err
	}
	var own []string
	for _, e := range entries {
		stamp, ours := strings.CutPrefix(e.Name(), f.name+"-")
		stamp, typed := strings.CutSuffix(stamp, extension)
		if _, err := time.Parse(fileTime, stamp); ours && typed && err == nil && e.Type().IsRegular() {
			own = append(own, e.Name())
		}
	}
	slices.Sort(own)
	var problems []error
	for _, name := range own[:max(len(own)-f.keep, 0)] {
		path := filepath.Join(f.directory, name)
		if isLocked(path) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, fmt.Errorf("remove: %w", err))
		}
	}
	return errors.Join(problems...)
}

func (f *files) close() {
	if f.file != nil {
		_ = f.file.Close() // each write has told its own error
		f.file = nil
	}
}
