// Package envoybin finds an Envoy that can carry Meltemi, and says why another one
// cannot.
package envoybin

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Default is the version that `make envoy` fetches for `meltemi run`.
const Default = "1.39.3"

// Variable is the environment variable that names another binary.
const Variable = "MELTEMI_ENVOY"

// Oldest is the oldest version that Meltemi supports.
var Oldest = Version{1, 39, 0}

// Binary is an Envoy that can carry Meltemi.
type Binary struct {
	Path    string
	Version Version
}

// UnfitError says why there is no Envoy to run: none was found, or the one that was
// named cannot carry Meltemi.
type UnfitError struct {
	Path   string // empty if none was found
	Reason string
	Err    error // what running the file gave, if that is the reason
}

// Error is a sentence for people.
func (e *UnfitError) Error() string {
	text := e.Reason
	if e.Path != "" {
		text = e.Path + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *UnfitError) Unwrap() error { return e.Err }

// Find returns the Envoy at path, or, if path is empty, the one that Variable
// names, the one that `make envoy` fetched (cache is the folder that it fetched
// into, "" for none), or the one on PATH, in this order. Only the first of these that
// is there is looked at: one that is named and unfit is an error, never a reason to
// take the next. The error is an *UnfitError, or that of ctx.
func Find(ctx context.Context, path, cache string) (*Binary, error) {
	if path == "" {
		path = os.Getenv(Variable)
	}
	if path == "" && cache != "" {
		fetched := filepath.Join(cache, Default, "envoy")
		if _, err := os.Stat(fetched); err == nil {
			path = fetched
		}
	}
	if path == "" {
		found, err := exec.LookPath("envoy")
		if err != nil {
			return nil, &UnfitError{Reason: "no Envoy found: run `make envoy`, set " + Variable + ", or pass --envoy"}
		}
		path = found
	}
	return Check(ctx, path)
}

// Check runs `path --version` and reads the file's symbols. A path without a slash is
// looked for on PATH. The error is an *UnfitError, or that of ctx.
func Check(ctx context.Context, path string) (*Binary, error) {
	found, err := exec.LookPath(path)
	if err != nil {
		return nil, &UnfitError{Path: path, Reason: "cannot be run as an Envoy", Err: err}
	}
	path = found
	version, err := versionOf(ctx, path)
	if err != nil {
		return nil, err
	}
	if version.Less(Oldest) {
		return nil, &UnfitError{Path: path, Reason: fmt.Sprintf("Envoy %v is too old: Meltemi needs %v or newer", version, Oldest)}
	}
	if missing := missingCallback(path); missing != "" {
		return nil, &UnfitError{
			Path:   path,
			Reason: fmt.Sprintf("Envoy %v was built without the dynamic modules that Meltemi needs (it lacks %s)", version, missing),
		}
	}
	return &Binary{Path: path, Version: version}, nil
}
