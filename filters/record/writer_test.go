package record

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

func TestFiles(t *testing.T) {
	t.Run("by size", func(t *testing.T) {
		r := start(t, `"max_file_bytes": 65536, "keep": 3`)
		for range 100 {
			r.Do(filtertest.Request{Arguments: []any{strings.Repeat("x", 5000)}})
		}
		got := r.stop()
		if n := len(r.files()); n != 3 {
			t.Errorf("%d files, want 3", n)
		}
		for _, file := range r.files() {
			if info, err := os.Stat(file); err != nil || info.Size() > 65536 {
				t.Errorf("%s: %d bytes, %v", file, info.Size(), err)
			}
		}
		if len(got) < 5 || len(got) > 40 {
			t.Errorf("%d calls are kept", len(got))
		}
	})
	t.Run("by age", func(t *testing.T) {
		r := start(t, `"max_file_age": "1m", "name": "a"`)
		for range 4 {
			r.Do(filtertest.Request{})
			r.written()
			r.Advance(30 * time.Second)
		}
		r.stop()
		want := []string{"a-20300101T000000.000Z.jsonl", "a-20300101T000100.000Z.jsonl"}
		var got []string
		for _, file := range r.files() {
			got = append(got, filepath.Base(file))
		}
		if !slices.Equal(got, want) {
			t.Errorf("files %q, want %q", got, want)
		}
	})
	t.Run("two writers", func(t *testing.T) {
		r := start(t, "")
		other := filtertest.New(t, Definition(), `{"directory":"`+r.folder+`"}`)
		r.Do(filtertest.Request{})
		other.Do(filtertest.Request{})
		other.Close()
		await(t, "a second file", func() bool { return len(r.files()) == 2 })
		r.stop()
	})
	t.Run("a busy writer beside a quiet one", func(t *testing.T) {
		r := start(t, `"keep": 1`)
		r.Do(filtertest.Request{Method: "quiet"})
		r.written()
		quiet := r.files()[0]
		other := &recording{Host: filtertest.New(t, Definition(), `{"directory":"`+r.folder+`","keep":1,"max_file_age":"1m"}`)}
		last := ""
		for range 4 {
			other.Advance(time.Minute)
			other.Do(filtertest.Request{Method: "busy"})
			await(t, "its new file alone beside the quiet one's", func() bool {
				files := r.files()
				return len(files) == 2 && files[0] == quiet && files[1] != last
			})
			last = r.files()[1]
		}
		r.Do(filtertest.Request{Method: "quiet"})
		other.Close()
		if got := r.stop(); len(got) != 3 || got[0].Method != "quiet" || got[1].Method != "quiet" || got[2].Method != "busy" {
			t.Errorf("recorded %s", text(t, got...))
		}
	})
	t.Run("a file that somebody takes away", func(t *testing.T) {
		for what, take := range map[string]func(file string) error{
			"removed": os.Remove,
			"renamed": func(file string) error { return os.Rename(file, filepath.Join(t.TempDir(), "taken")) },
			"replaced": func(file string) error {
				return errors.Join(os.Remove(file), os.WriteFile(file, []byte(start0), 0o600))
			},
		} {
			r := start(t, "")
			r.Do(filtertest.Request{})
			r.written()
			if err := take(r.files()[0]); err != nil {
				t.Fatal(err)
			}
			r.Do(filtertest.Request{Method: "next"})
			if got := r.stop(); len(got) != 1 || got[0].Method != "next" {
				t.Errorf("%s: recorded %s", what, text(t, got...))
			}
		}
	})
	t.Run("others' files stay", func(t *testing.T) {
		r := start(t, `"keep": 1`)
		for _, name := range []string{"calls-mine.jsonl", "calls-20200101T000000.000Z.jsonl.gz", "other-20200101T000000.000Z.jsonl", "calls-20200101T000000.000Z.jsonl"} {
			if err := os.WriteFile(filepath.Join(r.folder, name), []byte(start0), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r.Do(filtertest.Request{})
		await(t, "the old file to go", func() bool {
			_, err := os.Stat(filepath.Join(r.folder, "calls-20200101T000000.000Z.jsonl"))
			return errors.Is(err, os.ErrNotExist)
		})
		if n := len(r.files()); n != 4 {
			t.Errorf("files %q, want 4", r.files())
		}
	})
	t.Run("none without calls", func(t *testing.T) {
		r := start(t, "")
		if r.stop(); len(r.files()) > 0 {
			t.Errorf("files %q", r.files())
		}
	})
}

const start0 = `{"type":"header","format":"meltemi-calls","version":1,"created":"2020-01-01T00:00:00Z","codecs":[]}` + "\n"

// written waits until all room is free again: everything has been written, or lost.
func (r *recording) written() {
	r.t.Helper()
	await(r.t, "the writer", func() bool { return r.filter.writer.pending.Load() == 0 })
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

// TestDiskThatFails takes the folder away and gives it back.
func TestDiskThatFails(t *testing.T) {
	r := start(t, "")
	away := r.folder + ".away"
	if err := os.Rename(r.folder, away); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := r.Do(filtertest.Request{}); got.State != filtertest.Done {
			t.Errorf("a call is %v", got.State)
		}
		r.written()
	}
	if err := os.Rename(away, r.folder); err != nil {
		t.Fatal(err)
	}
	r.Do(filtertest.Request{}) // too early
	r.written()
	r.Advance(retryAfter)
	r.Do(filtertest.Request{})
	r.written()
	r.Do(filtertest.Request{})
	if n := r.Metric("dropped_total", "disk"); n != 4 {
		t.Errorf("%d calls are lost, want 4", n)
	}
	if got := r.stop(); len(got) != 2 {
		t.Errorf("%d calls are recorded, want 2", len(got))
	}
	logs := r.Logs()
	if len(logs) != 2 || !strings.Contains(logs[0], "error calls are not recorded: open ") || logs[1] != "info calls are recorded again" {
		t.Errorf("logs: %q", logs)
	}
}

// TestAPanicOfTheWriter costs its call, and neither the writer nor the process.
func TestAPanicOfTheWriter(t *testing.T) {
	r := start(t, "")
	r.filter.writer.host = &panicky{Host: r.filter.host}
	r.Do(filtertest.Request{})
	r.written()
	r.Do(filtertest.Request{})
	if n := r.Metric("dropped_total", "disk"); n != 1 {
		t.Errorf("%d calls are lost, want 1", n)
	}
	if got := r.stop(); len(got) != 1 {
		t.Errorf("%d calls are recorded, want 1", len(got))
	}
	if logs := r.Logs(); len(logs) != 1 || logs[0] != "error a call is not recorded: panic: no clock" {
		t.Errorf("logs: %q", logs)
	}
}

// panicky is a host whose clock fails once.
type panicky struct {
	filter.Host

	asked bool
}

func (p *panicky) Now() time.Time {
	if !p.asked {
		p.asked = true
		panic("no clock")
	}
	return p.Host.Now()
}
