package envoybin

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

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

// Bounds of `envoy --version`, because the file may be any program.
const (
	versionTimeout = 20 * time.Second
	versionOutput  = 16 << 10 // bytes that are kept
)

// versionLine is what Envoy prints: "envoy  version: <commit>/1.39.3/Clean/RELEASE/BoringSSL".
var versionLine = regexp.MustCompile(`version: [0-9a-f]+/(\d+)\.(\d+)\.(\d+)`)

// versionOf runs the file at path. The error is an *UnfitError, or that of ctx.
func versionOf(ctx context.Context, path string) (v Version, err error) {
	bounded, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	var out head
	cmd := exec.CommandContext(bounded, path, "--version") //nolint:gosec // running what the user names is the point
	cmd.Stdout, cmd.Stderr = &out, &out
	// A child of a script can outlive it and keep the output open.
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return v, ctx.Err()
	}
	match := versionLine.FindSubmatch(out.kept)
	if match == nil {
		if err != nil {
			return v, &UnfitError{Path: path, Reason: "cannot be run as an Envoy", Err: err}
		}
		return v, &UnfitError{Path: path, Reason: "is not an Envoy: --version says " + strconv.Quote(out.firstLine())}
	}
	for i, n := range []*int{&v.Major, &v.Minor, &v.Patch} {
		if *n, err = strconv.Atoi(string(match[i+1])); err != nil {
			return v, &UnfitError{Path: path, Reason: fmt.Sprintf("version %q", match[0]), Err: err}
		}
	}
	return v, nil
}

// head keeps the first bytes that are written to it and drops the rest.
type head struct {
	kept []byte
}

// Write never fails.
func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), versionOutput-len(h.kept))]...)
	return len(p), nil
}

func (h *head) firstLine() string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(h.kept), []byte("\n"))
	return string(line[:min(len(line), 80)])
}
