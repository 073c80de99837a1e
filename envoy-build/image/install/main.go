// Command install copies libmeltemi.so from the root of the library's image into a folder.
// The image runs it as an init container, since it has no shell and no cp.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	library = "libmeltemi.so"
	root    = "/" // where the image has it
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "install: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: install FOLDER")
	}
	target, err := install(root, args[0])
	if err != nil {
		return err
	}
	fmt.Printf("installed %s\n", target)
	return nil
}

// install copies the library of one folder into another, and returns where it is then. A
// library that is there already is replaced in one step: an Envoy that has loaded it
// keeps the old file, and none ever finds half a file.
func install(from, into string) (string, error) {
	if info, err := os.Stat(into); err != nil || !info.IsDir() { //nolint:gosec // who runs it names the folder
		return "", fmt.Errorf("%s is not a folder: mount the volume there that the proxy has too", into)
	}
	source, err := os.Open(filepath.Join(from, library)) //nolint:gosec // the image's own file
	if err != nil {
		return "", err
	}
	defer func() { _ = source.Close() }()
	half, err := os.CreateTemp(into, "."+library+".*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(half.Name()) }() //nolint:gosec // made above
	_, err = io.Copy(half, source)
	// Proxies run as another user than init containers.
	if err = errors.Join(err, half.Chmod(0o755), half.Close()); err != nil {
		return "", fmt.Errorf("writing %s: %w", half.Name(), err)
	}
	target := filepath.Join(into, library)
	return target, os.Rename(half.Name(), target) //nolint:gosec // who runs it names the folder
}
