// Package scaffold writes a module for a new codec: one that works, to be changed into
// what is wanted.
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

//go:embed codec
var files embed.FS

// Codec is what a module is made of.
type Codec struct {
	Name    string // of the protocol
	Module  string // path of the module
	Folder  string // where it is written
	SDK     string // the checkout of Meltemi that it builds with; "" for a published version
	Version string // of Meltemi
	Program string // the command line, for the Makefile
}

// Package is the name of the codec's Go package.
func (c *Codec) Package() string { return strings.ReplaceAll(c.Name, "-", "") }

// BuildFlags are what `meltemi build` needs beside the module, with a space before.
func (c *Codec) BuildFlags() string {
	if c.SDK == "" {
		return " --sdk-version " + c.Version
	}
	return ` --sdk "` + c.SDK + `"`
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// check returns what is wrong with what the user named.
func (c *Codec) check() error {
	if !nameForm.MatchString(c.Name) {
		return fmt.Errorf("%q is no name of a codec: lower-case letters and digits, with '-' between words", c.Name)
	}
	if err := module.CheckImportPath(c.Module); err != nil {
		return err
	}
	entries, err := os.ReadDir(c.Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is there already, and not empty", c.Folder)
	}
	return nil
}

// Write writes the module's files, and returns their names. What is there is not touched.
func (c *Codec) Write() ([]string, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var names []string
	err := fs.WalkDir(files, "codec", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := c.writeFile(path)
		names = append(names, name)
		return err
	})
	return names, err
}

func (c *Codec) writeFile(path string) (name string, err error) {
	text, err := files.ReadFile(path)
	if err != nil {
		return "", err
	}
	name = strings.TrimPrefix(path, "codec/")
	if plain, ok := strings.CutSuffix(name, ".tmpl"); ok {
		name = strings.Replace(plain, "gitignore", ".gitignore", 1)
		if text, err = c.fill(name, string(text)); err != nil {
			return "", err
		}
	}
	to := filepath.Join(c.Folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // a folder of sources
		return "", err
	}
	return name, os.WriteFile(to, text, 0o644) //nolint:gosec // sources
}

func (c *Codec) fill(name, text string) ([]byte, error) {
	t, err := template.New(name).Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, c)
	return b.Bytes(), err
}

// Tidy settles the module's dependencies, so that it builds at once. It needs the go
// command, and fetches what is not in its cache.
func (c *Codec) Tidy(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "mod", "tidy")
	cmd.Dir = c.Folder
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
