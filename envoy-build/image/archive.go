package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// sums is the file with the hash of each other one, as sha256sum prints and checks it.
const sums = "SHA256SUMS"

// archives writes an archive and a bill of materials for each platform into a folder,
// and the hashes of them all. It returns the names of the files.
func (r *release) archives(folder string) ([]string, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, err
	}
	var names []string
	var hashes strings.Builder
	save := func(name string, content []byte) error {
		names = append(names, name)
		fmt.Fprintf(&hashes, "%x  %s\n", sha256.Sum256(content), name)
		return os.WriteFile(filepath.Join(folder, name), content, 0o644) //nolint:gosec // it is to be published
	}
	for _, p := range r.platforms {
		name := fmt.Sprintf("meltemi_%s_%s_%s", r.version, p.OS, p.Architecture)
		archive, bom, err := r.archive(name, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := save(name+".tar.gz", archive); err != nil {
			return nil, err
		}
		if err := save(name+".cdx.json", bom); err != nil {
			return nil, err
		}
	}
	names = append(names, sums)
	return names, os.WriteFile(filepath.Join(folder, sums), []byte(hashes.String()), 0o644) //nolint:gosec // it is to be published
}

// archive packs what runs without Kubernetes too, in a folder of the archive's name.
func (r *release) archive(name string, p v1.Platform) (archive, bom []byte, err error) {
	files, err := r.compiled(p, []string{commandFile, controllerFile, libraryFile})
	if err != nil {
		return nil, nil, err
	}
	entries, err := r.entries(files)
	if err != nil {
		return nil, nil, err
	}
	readme, err := os.ReadFile(filepath.Join(r.root, "README.md"))
	if err != nil {
		return nil, nil, err
	}
	entries = append(entries, entry{name: "README.md", mode: 0o644, text: readme})
	var packed bytes.Buffer
	gz, err := gzip.NewWriterLevel(&packed, compression)
	if err != nil {
		return nil, nil, err
	}
	if err := writeTar(gz, within(name, entries), r.date); err != nil {
		return nil, nil, err
	}
	if err := gz.Close(); err != nil {
		return nil, nil, err
	}
	bom, err = r.bom(name, files)
	return packed.Bytes(), bom, err
}
