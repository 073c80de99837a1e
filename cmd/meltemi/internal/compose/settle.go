package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
)

// The go command reads replacements and hashes of the main module alone, which here is the
// temporary one. So what the modules on this machine have of both is written into it: a
// library is built with the code that their own tests ran with.

// replacements are the replace directives of the modules on this machine, as lines of a
// go.mod. What they say of Meltemi, and of each other, has been decided by the options.
func (o *Options) replacements() ([]byte, error) {
	modules := o.Modules()
	var lines []string
	for _, m := range modules {
		name := filepath.Join(m.Folder, "go.mod")
		text, err := os.ReadFile(name) //nolint:gosec // of a module that the user names
		if err != nil {
			return nil, err
		}
		mod, err := modfile.Parse(name, text, nil)
		if err != nil {
			return nil, err
		}
		for _, r := range mod.Replace {
			decided := func(other Addition) bool { return other.Module == r.Old.Path }
			if r.Old.Path == Module || slices.ContainsFunc(modules, decided) {
				continue
			}
			if line := replaceLine(m.Folder, r); !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	var b bytes.Buffer
	for _, line := range lines {
		b.WriteString("\n" + line + "\n")
	}
	return b.Bytes(), nil
}

// replaceLine is a directive of the module in a folder, for one in another folder.
func replaceLine(folder string, r *modfile.Replace) string {
	path := r.New.Path
	if r.New.Version == "" && !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	line := "replace " + r.Old.Path
	if r.Old.Version != "" {
		line += " " + r.Old.Version
	}
	line += fmt.Sprintf(" => %q", path)
	if r.New.Version != "" {
		line += " " + r.New.Version
	}
	return line
}

// sums are the hashes that the modules on this machine have in go.sum, Meltemi's too.
func (o *Options) sums() ([]byte, error) {
	modules := o.Modules()
	if o.SDK != "" {
		modules = append(modules, Addition{Folder: o.SDK})
		if o.Host.Nested {
			modules = append(modules, Addition{Folder: filepath.Join(o.SDK, o.Host.Package)})
		}
	}
	var all []byte
	for _, m := range modules {
		text, err := os.ReadFile(filepath.Join(m.Folder, "go.sum"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		all = append(append(all, bytes.TrimRight(text, "\n")...), '\n')
	}
	return all, nil
}
