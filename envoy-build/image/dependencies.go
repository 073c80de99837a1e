package main

import (
	"cmp"
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"slices"

	"golang.org/x/mod/modfile"
)

// file is a compiled file.
type file struct {
	name, path string
	uses       []dependency
}

// dependency is a module that a compiled file has in it, or Go's standard library.
type dependency struct {
	path, version string
	sum           string // as in go.sum; "" for the standard library, and for a folder
	folder        string // that a replacement in go.mod names; mostly ""
}

// standard is what Go's vulnerability database calls the standard library.
const standard = "std"

// dependenciesOf reads what the go command has recorded in a compiled file.
func dependenciesOf(path string) ([]dependency, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all := []dependency{{path: standard, version: info.GoVersion}}
	for _, d := range info.Deps {
		switch r := d.Replace; {
		case r == nil:
			all = append(all, dependency{path: d.Path, version: d.Version, sum: d.Sum})
		case modfile.IsDirectoryPath(r.Path):
			all = append(all, dependency{path: d.Path, version: d.Version, folder: r.Path})
		default:
			all = append(all, dependency{path: r.Path, version: r.Version, sum: r.Sum})
		}
	}
	return all, nil
}

// union is the dependencies of several files, sorted.
func union(files []file) []dependency {
	var all []dependency
	for _, f := range files {
		all = append(all, f.uses...)
	}
	slices.SortFunc(all, func(a, b dependency) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.version, b.version))
	})
	return slices.Compact(all)
}

// machines are the numbers that ELF has for architectures.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// checkMachine refuses a file for another architecture.
func checkMachine(path, architecture string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if f.Machine != machines[architecture] {
		return fmt.Errorf("it is for %v, not for %s", f.Machine, architecture)
	}
	return nil
}
