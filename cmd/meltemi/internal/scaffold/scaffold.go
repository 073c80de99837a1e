// Package scaffold writes a module for a new codec or filter: one that works, to be
// changed into what is wanted.
package scaffold

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

	// Taken are the names of codecs, or of filters, that Meltemi has itself. A library
	// cannot carry two of one name.
	Taken []string
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
	if err := m.checkName(); err != nil {
		return err
	}
	if err := module.CheckImportPath(m.Module); err != nil {
		return err
	}
	if slices.Contains(strings.Split(m.Module, "/"), "internal") {
		return fmt.Errorf("--module %s: the library is another module, and Go lets none import a path with the element internal", m.Module)
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

// yamlWords are read as something else than a string in mesh.yaml.
var yamlWords = []string{"true", "false", "null"}

func (m *Module) checkName() error {
	switch {
	case !nameForm.MatchString(m.Name):
		return fmt.Errorf("%q is no name of a %s: lower-case letters and digits, with '-' between words", m.Name, m.Kind)
	case slices.Contains(m.Taken, m.Name):
		return fmt.Errorf("%q is a %s of Meltemi itself, and a library cannot carry two of one name", m.Name, m.Kind)
	case token.IsKeyword(m.Package()):
		return fmt.Errorf("%q is no name of a %s: its Go package cannot be named by the keyword %s", m.Name, m.Kind, m.Package())
	case m.Package() == "main":
		return fmt.Errorf("%q is no name of a %s: a Go package main is a program, which nothing can import", m.Name, m.Kind)
	case slices.Contains(yamlWords, m.Name):
		return fmt.Errorf("%q is no name of a %s: in YAML, and so in a mesh file, it is no string", m.Name, m.Kind)
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
