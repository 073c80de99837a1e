package mesh

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
)

// life is what the programs that all tests share belong to. They end after the last test.
// What they last printed is shown if one of them did not start.
var life = &lifetime{ctx: context.Background()}

// lifetime stands for the tests of a package together.
type lifetime struct {
	testing.TB // nil: what package kube does not use is not here

	dir      string          // where its files are
	ctx      context.Context //nolint:containedctx // it is what Context returns
	mu       sync.Mutex
	cleanups []func()
	folders  int
	failed   bool
}

func (l *lifetime) Helper()                  {}
func (l *lifetime) Name() string             { return "the mesh" }
func (l *lifetime) Context() context.Context { return l.ctx }

func (l *lifetime) Log(args ...any)                 { fmt.Fprintln(os.Stderr, args...) }
func (l *lifetime) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Fatal ends the program: without the mesh there is no test.
func (l *lifetime) Fatal(args ...any) {
	l.Log(args...)
	l.mu.Lock()
	l.failed = true
	l.mu.Unlock()
	l.end()
	os.Exit(1)
}

func (l *lifetime) Fatalf(format string, args ...any) { l.Fatal(fmt.Sprintf(format, args...)) }

func (l *lifetime) Failed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

func (l *lifetime) Cleanup(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cleanups = append(l.cleanups, f)
}

// TempDir is a new folder, which the node takes with it.
func (l *lifetime) TempDir() string { return l.folder("mesh") }

// folder is a new folder with a name that begins with a word.
func (l *lifetime) folder(word string) string {
	l.mu.Lock()
	l.folders++
	dir := fmt.Sprintf("%s/%s-%d", l.dir, word, l.folders)
	l.mu.Unlock()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		l.Fatal(err)
	}
	return dir
}

// end runs the cleanups, the last one first.
func (l *lifetime) end() {
	l.mu.Lock()
	cleanups := slices.Clone(l.cleanups)
	l.cleanups = nil
	l.mu.Unlock()
	for _, f := range slices.Backward(cleanups) {
		f()
	}
}

// kept is a test whose files are not removed after it: the node takes them with it.
type kept struct {
	testing.TB

	word string // with which the names of its folders begin
}

// TempDir is a new folder.
func (k kept) TempDir() string { return life.folder(k.word) }
