package compose

import (
	"errors"
	"fmt"
	"os"
	gopath "path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Module is the path of Meltemi's own module.
const Module = "github.com/meltemi-mesh/meltemi"

// Addition is a package with a codec or a filter: it has a function Definition that returns
// an sdk.Definition or a filter.Definition.
type Addition struct {
	Package string // import path
	Version string // of its module, "" for the latest
	Module  string // path of its module, known only with Folder
	Folder  string // of its module on this machine, instead of Version
}

// ParseAddition reads PACKAGE, PACKAGE@VERSION, PACKAGE=FOLDER or FOLDER. The folder is
// that of the package, or, with the package before it, of its module. One that stands alone
// begins with '.' or '/', as for the go command.
func ParseAddition(text string) (Addition, error) {
	if filepath.IsAbs(text) || slices.Contains([]string{".", ".."}, strings.SplitN(filepath.ToSlash(text), "/", 2)[0]) {
		return folderOf(text)
	}
	if path, folder, ok := strings.Cut(text, "="); ok {
		return local(path, folder)
	}
	path, version, _ := strings.Cut(text, "@")
	a := Addition{Package: path, Version: version}
	if strings.HasSuffix(text, "@") {
		return a, fmt.Errorf("%q: no version behind the @", text)
	}
	if err := module.CheckImportPath(path); err != nil {
		return a, err
	}
	return a, nil
}

// folderOf is the package in a folder.
func folderOf(folder string) (Addition, error) {
	root, path, err := findModule(folder)
	if err != nil {
		return Addition{}, err
	}
	dir, err := filepath.Abs(folder)
	if err != nil {
		return Addition{}, err
	}
	below, err := filepath.Rel(root, dir)
	if err != nil {
		return Addition{}, err
	}
	a := Addition{Package: gopath.Join(path, filepath.ToSlash(below)), Module: path, Folder: root}
	if err := module.CheckImportPath(a.Package); err != nil {
		return a, err
	}
	return a, a.checkSources()
}

// checkSources finds that a folder has no such package before the go command looks for it
// elsewhere.
func (a *Addition) checkSources() error {
	dir := filepath.Join(a.Folder, filepath.FromSlash(strings.TrimPrefix(a.Package, a.Module)))
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(files, func(name string) bool { return !strings.HasSuffix(name, "_test.go") }) {
		return fmt.Errorf("%s has no Go files, so no package %s", dir, a.Package)
	}
	return nil
}

// findModule finds the module that a folder belongs to: its own folder, and its path.
func findModule(folder string) (root, path string, err error) {
	dir, err := filepath.Abs(folder)
	if err != nil {
		return "", "", err
	}
	if _, err := os.Stat(dir); err != nil {
		return "", "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod")) //nolint:gosec // the user names the folder
		if err == nil {
			return dir, modfile.ModulePath(text), nil
		}
		if dir == filepath.Dir(dir) {
			return "", "", fmt.Errorf("%s: neither it nor a folder above has a go.mod", folder)
		}
		dir = filepath.Dir(dir)
	}
}

// local is a package whose module is in a folder.
func local(path, folder string) (Addition, error) {
	a := Addition{Package: path}
	if err := module.CheckImportPath(path); err != nil {
		return a, err
	}
	var err error
	if a.Folder, a.Module, err = findModule(folder); err != nil {
		return a, err
	}
	if path != a.Module && !strings.HasPrefix(path, a.Module+"/") {
		return a, fmt.Errorf("%s is the module %s, which has no package %s", a.Folder, a.Module, path)
	}
	return a, a.checkSources()
}

// FindSDK returns the folder of Meltemi's sources: folder if it is given, else the first
// of the candidates that is one.
func FindSDK(folder string, candidates ...string) (string, error) {
	if folder != "" {
		if !isSDK(folder) {
			return "", fmt.Errorf("%s is not a checkout of %s", folder, Module)
		}
		return filepath.Abs(folder)
	}
	for _, c := range candidates {
		if c != "" && isSDK(c) {
			return filepath.Abs(c)
		}
	}
	return "", errors.New("the sources of Meltemi that this program was built from are gone; name a checkout with --sdk, or a version with --sdk-version")
}

// CheckVersion checks the form of a published version.
func CheckVersion(version string) error {
	if !semver.IsValid(version) {
		return fmt.Errorf("%q is no version, such as v0.1.0", version)
	}
	return nil
}

func isSDK(folder string) bool {
	text, err := os.ReadFile(filepath.Join(folder, "go.mod")) //nolint:gosec // the user names the folder
	return err == nil && modfile.ModulePath(text) == Module
}
