package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
	"golang.org/x/mod/module"
)

// goFolders is where the sources are that the go command compiled.
type goFolders struct{ modules, root string }

func findGoFolders(ctx context.Context) (goFolders, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE", "GOROOT").Output()
	if err != nil {
		return goFolders{}, fmt.Errorf("go env: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 {
		return goFolders{}, fmt.Errorf("go env: unexpected %q", out)
	}
	return goFolders{modules: lines[0], root: lines[1]}, nil
}

// of is the folder of a dependency's sources.
func (g goFolders) of(d dependency) (string, error) {
	switch {
	case d.path == standard:
		return g.root, nil
	case d.folder != "":
		return d.folder, nil
	}
	path, err := module.EscapePath(d.path)
	if err != nil {
		return "", err
	}
	version, err := module.EscapeVersion(d.version)
	return filepath.Join(g.modules, filepath.FromSlash(path)+"@"+version), err
}

var (
	// legal are the files that go along with what is made from a module.
	legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-.][\w.-]+)?$`)
	// licensing are those of them that hold a licence.
	licensing = regexp.MustCompile(`(?i)^(licen[cs]e|copying)`)
)

// notice is such a file.
type notice struct {
	name string
	text []byte
}

// notices reads the files of a dependency. One without any may not be handed on, which
// is an error.
func (g goFolders) notices(d dependency) ([]notice, error) {
	folder, err := g.of(d)
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []notice
	for _, f := range files {
		if f.IsDir() || !legal.MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, f.Name())) //nolint:gosec // the go command's own copy
		if err != nil {
			return nil, err
		}
		all = append(all, notice{f.Name(), text})
	}
	if len(all) == 0 {
		return nil, errors.New("it has no file with its licence")
	}
	return all, nil
}

// identify names the licences of notices as SPDX does, sorted. It errs on the side of
// none: a text that is mostly something else has no name.
func identify(notices []notice) []string {
	var names []string
	for _, n := range notices {
		found := licensecheck.Scan(n.text)
		if !licensing.MatchString(n.name) || found.Percent < 75 {
			continue
		}
		for _, m := range found.Match {
			if !m.IsURL {
				names = append(names, m.ID)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// noticesOf is one text with the notices of all dependencies.
func (g goFolders) noticesOf(all []dependency) ([]byte, error) {
	var text bytes.Buffer
	text.WriteString("These Go modules, and Go's standard library, are part of the compiled files beside this one.\n")
	for _, d := range all {
		notices, err := g.notices(d)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", d.path, d.version, err)
		}
		for _, n := range notices {
			fmt.Fprintf(&text, "\n==== %s %s: %s\n\n%s\n", d.path, d.version, n.name, bytes.TrimSpace(n.text))
		}
	}
	return text.Bytes(), nil
}
