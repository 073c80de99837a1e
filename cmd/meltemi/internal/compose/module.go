package compose

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// ParseAddition reads PACKAGE, PACKAGE@VERSION or PACKAGE=FOLDER. The folder is that of
// the package or of its module.
func ParseAddition(text string) (Addition, error) {
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

// local finds the module that a folder belongs to.
func local(path, folder string) (Addition, error) {
	a := Addition{Package: path}
	if err := module.CheckImportPath(path); err != nil {
		return a, err
	}
	dir, err := filepath.Abs(folder)
	if err != nil {
		return a, err
	}
	if _, err := os.Stat(dir); err != nil {
		return a, err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod")) //nolint:gosec // the user names the folder
		if err == nil {
			a.Folder, a.Module = dir, modfile.ModulePath(text)
			break
		}
		if dir == filepath.Dir(dir) {
			return a, fmt.Errorf("%s: neither it nor a folder above has a go.mod", folder)
		}
		dir = filepath.Dir(dir)
	}
	if path != a.Module && !strings.HasPrefix(path, a.Module+"/") {
		return a, fmt.Errorf("%s is the module %s, which has no package %s", a.Folder, a.Module, path)
	}
	return a, nil
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
