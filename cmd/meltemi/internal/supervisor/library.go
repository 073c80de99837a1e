package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	// LibraryVariable is the environment variable that names the shared library.
	LibraryVariable = "MELTEMI_LIBRARY"
	// libraryName is the file that Envoy looks for, of the module "meltemi".
	libraryName = "libmeltemi.so"
	// searchPathVariable tells Envoy the folder of libraryName.
	searchPathVariable = "ENVOY_DYNAMIC_MODULES_SEARCH_PATH"
)

// FindLibrary finds the shared library: at path, or, if path is empty, where
// LibraryVariable says, beside this executable, or in ./bin. A library that was named
// must exist; if none was and none is found, the result is empty.
func FindLibrary(path string) (string, error) {
	from := "--library"
	if path == "" {
		path, from = os.Getenv(LibraryVariable), LibraryVariable
	}
	if path != "" {
		if err := isLibrary(path); err != nil {
			return "", fmt.Errorf("%s: %w", from, err)
		}
		return filepath.Abs(path)
	}
	var folders []string
	if executable, err := os.Executable(); err == nil {
		folders = append(folders, filepath.Dir(executable))
	}
	for _, folder := range append(folders, "bin") {
		candidate := filepath.Join(folder, libraryName)
		if isLibrary(candidate) == nil {
			return filepath.Abs(candidate)
		}
	}
	return "", nil
}

func isLibrary(path string) error {
	info, err := os.Stat(path) //nolint:gosec // the user names the file
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder; name the file, such as %s", path, filepath.Join(path, libraryName))
	}
	return nil
}

// MissingLibrary says that there is no library, and the ways out.
func MissingLibrary() error {
	return fmt.Errorf("%s is neither beside this program nor in ./bin: run `make build`, or name it by --library or %s",
		libraryName, LibraryVariable)
}

// searchPath is the folder to give to Envoy so that it finds library. A library of
// another file name is linked into folder, which is private to this process.
func searchPath(library, folder string) (string, error) {
	if filepath.Base(library) == libraryName {
		return filepath.Dir(library), nil
	}
	return folder, os.Symlink(library, filepath.Join(folder, libraryName))
}
