// Package envoybin finds an Envoy that can carry Meltemi, and says why another one
// cannot.
package envoybin

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Default is the version that `make envoy` fetches for `meltemi run`.
const Default = "1.39.3"

// Variable is the environment variable that names another binary.
const Variable = "MELTEMI_ENVOY"

// Oldest is the oldest version that Meltemi supports.
var Oldest = Version{1, 39, 0}

// Version is an Envoy's version.
type Version struct {
	Major, Minor, Patch int
}

// String returns the version as "1.39.3".
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// Less reports whether v is older than o.
func (v Version) Less(o Version) bool {
	if v.Major != o.Major {
		return v.Major < o.Major
	}
	if v.Minor != o.Minor {
		return v.Minor < o.Minor
	}
	return v.Patch < o.Patch
}

// Binary is an Envoy that can carry Meltemi.
type Binary struct {
	Path    string
	Version Version
}

// UnfitError says why there is no Envoy to run.
type UnfitError struct {
	Path   string // empty if none was found
	Reason string
}

// Error is a sentence for people.
func (e *UnfitError) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// Find returns the Envoy at path, or, if path is empty, the one that Variable
// names, the one that `make envoy` fetched (cache is the folder that it fetched
// into, "" for none), or the one on PATH, in this order. The error is an
// *UnfitError.
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

// Check looks at the Envoy at path. The error is an *UnfitError.
func Check(ctx context.Context, path string) (*Binary, error) {
	version, err := versionOf(ctx, path)
	if err != nil {
		return nil, &UnfitError{Path: path, Reason: err.Error()}
	}
	if version.Less(Oldest) {
		return nil, &UnfitError{Path: path, Reason: fmt.Sprintf("Envoy %v is too old: Meltemi needs %v or newer", version, Oldest)}
	}
	if missing, known := missingCallback(path); known && missing != "" {
		return nil, &UnfitError{
			Path:   path,
			Reason: fmt.Sprintf("Envoy %v was built without the dynamic modules that Meltemi needs (it lacks %s)", version, missing),
		}
	}
	return &Binary{Path: path, Version: version}, nil
}

// versionTimeout bounds `envoy --version`.
const versionTimeout = 20 * time.Second

// versionLine is what Envoy prints: "envoy  version: <commit>/1.39.3/Clean/RELEASE/BoringSSL".
var versionLine = regexp.MustCompile(`version: [0-9a-f]+/(\d+)\.(\d+)\.(\d+)`)

func versionOf(ctx context.Context, path string) (v Version, err error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput() //nolint:gosec // running what the user names is the point
	match := versionLine.FindSubmatch(out)
	if match == nil {
		if err != nil {
			return v, fmt.Errorf("cannot be run as an Envoy: %w", err)
		}
		return v, errors.New("is not an Envoy: --version says " + strconv.Quote(firstLine(out)))
	}
	for i, n := range []*int{&v.Major, &v.Minor, &v.Patch} {
		if *n, err = strconv.Atoi(string(match[i+1])); err != nil {
			return v, fmt.Errorf("version %q: %w", match[0], err)
		}
	}
	return v, nil
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line[:min(len(line), 80)]
}

// callbacks stand for the extension points that Meltemi uses.
var callbacks = []string{
	"envoy_dynamic_module_callback_network_filter_inject_read_data",
	"envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_buffer_chunks_size",
	"envoy_dynamic_module_callback_listener_filter_set_requested_application_protocols",
}

// missingCallback returns a callback that the binary does not export. known is
// false if the file is no ELF binary, such as a script that starts one.
func missingCallback(path string) (name string, known bool) {
	f, err := elf.Open(path)
	if err != nil {
		return "", false
	}
	defer func() { _ = f.Close() }()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return callbacks[0], true
	}
	exported := make(map[string]bool, len(symbols))
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF {
			exported[s.Name] = true
		}
	}
	for _, c := range callbacks {
		if !exported[c] {
			return c, true
		}
	}
	return "", true
}
