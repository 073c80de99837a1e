package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the tests' release is. A test of the release's bytes compiles it once more.
const (
	testVersion  = "v1.2.3"
	testRevision = "0123456789abcdef0123456789abcdef01234567"
	testSeconds  = 1700000000 // 2023-11-14T22:13:20Z
)

var testDate = time.Unix(testSeconds, 0).UTC()

// What is compiled for each architecture: of arm64, which this machine cannot run, what
// the library's image has.
var testFiles = map[string][]string{
	"amd64": {commandFile, controllerFile, libraryFile, installFile},
	"arm64": {libraryFile, installFile},
}

var compiling struct {
	sync.Once
	folder string
	err    error
}

// root is the repository's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// binaries are compiled once for all tests.
func binaries(t *testing.T) string {
	t.Helper()
	compiling.Do(func() {
		compiling.folder = filepath.Join(root(t), ".cache", "image")
		compiling.err = compileAll(root(t), compiling.folder)
	})
	if compiling.err != nil {
		t.Fatal(compiling.err)
	}
	return compiling.folder
}

// compileAll compiles testFiles from the sources of a checkout.
func compileAll(checkout, folder string) error {
	for arch, names := range testFiles {
		args := append([]string{filepath.Join(folder, "linux_"+arch), arch}, names...)
		cmd := exec.Command(filepath.Join(checkout, "envoy-build", "compile.sh"), args...)
		cmd.Env = append(os.Environ(), "VERSION="+testVersion, "REVISION="+testRevision)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd, err, out)
		}
	}
	return nil
}

// execute runs the command line for the tests' release, and returns what it prints.
func execute(t *testing.T, out string, args ...string) (string, error) {
	t.Helper()
	cmd := newRootCmd()
	var printed bytes.Buffer
	cmd.SetOut(&printed)
	cmd.SetArgs(append([]string{
		"--root", root(t), "--binaries", binaries(t), "--out", out,
		"--version", testVersion, "--revision", testRevision, "--date", strconv.Itoa(testSeconds),
	}, args...))
	err := cmd.ExecuteContext(t.Context())
	return printed.String(), err
}

func mustExecute(t *testing.T, out string, args ...string) string {
	t.Helper()
	printed, err := execute(t, out, args...)
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return printed
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
