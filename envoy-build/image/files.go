package main

import (
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// compiled finds compiled files of a platform.
func (r *release) compiled(p v1.Platform, names []string) ([]file, error) {
	files := make([]file, 0, len(names))
	for _, name := range names {
		path := filepath.Join(r.binaries, p.OS+"_"+p.Architecture, name)
		if err := checkMachine(path, p.Architecture); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		uses, err := dependenciesOf(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		files = append(files, file{name, path, uses})
	}
	return files, nil
}

// entries are files with the licences of all that is in them, which have to go along.
func (r *release) entries(files []file) ([]entry, error) {
	notices, err := r.folders.noticesOf(union(files))
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	entries := []entry{
		{name: "LICENSE", mode: 0o644, text: own},
		{name: "LICENSES-OF-MODULES", mode: 0o644, text: notices},
	}
	for _, f := range files {
		text, err := os.ReadFile(f.path)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{name: f.name, mode: 0o755, text: text})
	}
	return entries, nil
}
