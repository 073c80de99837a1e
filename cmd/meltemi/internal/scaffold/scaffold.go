// Package scaffold writes a module for a new codec or filter: one that works, to be
// changed into what is wanted.
package scaffold

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"golang.org/x/mod/module"
)

//go:embed codec filter
var files embed.FS

// Kind is what a module holds.
type Kind string

// The kinds, which are the folders of their files.
const (
	Codec  Kind = "codec"
	Filter Kind = "filter"
)

// Module is what a module is made of.
type Module struct {
	Kind    Kind
	Name    string // of the protocol, or of the filter
	Module  string // path of the module
	Folder  string // where it is written
	SDK     string // the checkout of Meltemi that it builds with; "" for a published version
	Version string // of Meltemi
	Program string // the command line, for the Makefile
}

// Package is the name of the Go package.
func (m *Module) Package() string { return strings.ReplaceAll(m.Name, "-", "") }

// BuildFlags are what `meltemi build` needs beside the module, with a space before.
func (m *Module) BuildFlags() string {
	if m.SDK == "" {
		return " --sdk-version " + m.Version
	}
	return ` --sdk "` + m.SDK + `"`
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// check returns what is wrong with what the user named.
func (m *Module) check() error {
	if !nameForm.MatchString(m.Name) {
		return fmt.Errorf("%q is no name of a %s: lower-case letters and digits, with '-' between words", m.Name, m.Kind)
	}
	if err := module.CheckImportPath(m.Module); err != nil {
		return err
	}
	entries, err := os.ReadDir(m.Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is there already, and not empty", m.Folder)
	}
	return nil
}

// Write writes the module's files, and returns their names. What is there is not touched.
func (m *Module) Write() ([]string, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	var names []string
	err := fs.WalkDir(files, string(m.Kind), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := m.writeFile(path)
		names = append(names, name)
		return err
	})
	return names, err
}

func (m *Module) writeFile(path string) (name string, err error) {
	text, err := files.ReadFile(path)
	if err != nil {
		return "", err
	}
	name = strings.TrimPrefix(path, string(m.Kind)+"/")
	if plain, ok := strings.CutSuffix(name, ".tmpl"); ok {
		name = strings.Replace(plain, "gitignore", ".gitignore", 1)
		if text, err = m.fill(name, string(text)); err != nil {
			return "", err
		}
	}
	to := filepath.Join(m.Folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // a folder of sources
		return "", err
	}
	return name, os.WriteFile(to, text, 0o644) //nolint:gosec // sources
}

func (m *Module) fill(name, text string) ([]byte, error) {
	t, err := template.New(name).Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, m)
	return b.Bytes(), err
}

// Tidy settles the module's dependencies, so that it builds at once. It needs the go
// command, and fetches what is not in its cache.
func (m *Module) Tidy(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "mod", "tidy")
	cmd.Dir = m.Folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("the go command is not on PATH; run `go mod tidy` when it is")
	}
	if err != nil {
		return fmt.Errorf("go mod tidy: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}
