package compose

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

// Options are what Build makes.
type Options struct {
	Host    *Host  // what runs it
	SDK     string // the checkout of Meltemi
	Version string // without a checkout: the published version
	Add     []Addition
	Output  string
	// Log gets what the go command says.
	Log io.Writer
	// Keep leaves the temporary module where it is, and Log is told where.
	Keep bool
}

// Result is what Build made.
type Result struct {
	*moduleinfo.Info
	Glibc string // the oldest glibc that the library runs with, such as 2.34; "" for Wasm
}

// Build builds a library. What is at Output changes only if all went well. When ctx ends,
// so does the build.
func Build(ctx context.Context, o *Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "meltemi-build-")
	if err != nil {
		return nil, err
	}
	if o.Keep {
		_, _ = fmt.Fprintln(o.Log, "building in", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	b := &build{Options: o, dir: dir}
	if err := b.writeModule(ctx); err != nil {
		return nil, err
	}
	info, err := b.describe(ctx)
	if err != nil {
		return nil, err
	}
	library, err := b.link(ctx)
	if err != nil {
		return nil, err
	}
	glibc, err := b.Host.finish(ctx, library, b.section())
	if err != nil {
		return nil, err
	}
	return &Result{info, glibc}, b.install(library)
}

// check finds what would make a build of a minute useless.
func (o *Options) check() error {
	for i, a := range o.Add {
		if slices.ContainsFunc(o.Add[:i], func(other Addition) bool { return other.Package == a.Package }) {
			return &OptionError{fmt.Sprintf("package %s is there twice", a.Package)}
		}
	}
	if info, err := os.Stat(o.Output); err == nil && info.IsDir() {
		return &OptionError{fmt.Sprintf("%s is a folder; name the file, such as %s", o.Output, filepath.Join(o.Output, o.Host.File))}
	}
	if folder := filepath.Dir(o.Output); !isFolder(folder) {
		return &OptionError{fmt.Sprintf("%s: there is no folder %s", o.Output, folder)}
	}
	return nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// OptionError says which of the options cannot be.
type OptionError struct{ Reason string }

// Error is the reason.
func (e *OptionError) Error() string { return e.Reason }

type build struct {
	*Options
	dir string
}

// writeModule writes the module and settles its dependencies.
func (b *build) writeModule(ctx context.Context) error {
	all := files(b.Options)
	replacements, err := b.replacements()
	if err != nil {
		return err
	}
	all["go.mod"] = append(all["go.mod"], replacements...)
	if all["go.sum"], err = b.sums(); err != nil {
		return err
	}
	for name, text := range all {
		path := filepath.Join(b.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	for _, a := range b.Add {
		if a.Folder != "" {
			continue
		}
		version := a.Version
		if version == "" {
			version = "latest"
		}
		if err := b.goCommand(ctx, "get", a.Package+"@"+version); err != nil {
			return err
		}
	}
	if b.SDK == "" {
		for _, module := range b.modules() {
			if err := b.goCommand(ctx, "get", module+"@"+b.Version); err != nil {
				return err
			}
		}
	}
	return b.goCommand(ctx, "mod", "tidy")
}

// describe asks the codecs themselves what they are. A list that Envoy would refuse ends
// here.
func (b *build) describe(ctx context.Context) (*moduleinfo.Info, error) {
	program := filepath.Join(b.dir, "describe.out")
	if err := b.goCommand(ctx, "build", "-o", program, "./describe"); err != nil {
		return nil, err
	}
	var complaint bytes.Buffer
	describe := exec.CommandContext(ctx, program) //nolint:gosec // we have just built it
	describe.Stderr = &complaint
	text, err := describe.Output()
	if ctx.Err() != nil {
		return nil, errInterrupted
	}
	if err != nil {
		return nil, fmt.Errorf("a library cannot carry these: %s", bytes.TrimSpace(complaint.Bytes()))
	}
	if err := os.WriteFile(b.section(), text, 0o600); err != nil {
		return nil, err
	}
	var info moduleinfo.Info
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, fmt.Errorf("what the codecs tell of themselves: %w", err)
	}
	return &info, checkInterface(info.Interface)
}

// checkInterface refuses sources of another version than this program's: what this
// program writes and links may not be what they expect.
func checkInterface(version int) error {
	if version != moduleinfo.Interface {
		return fmt.Errorf("the interface of these sources of Meltemi has version %d, and this program knows %d: build with the meltemi that belongs to them",
			version, moduleinfo.Interface)
	}
	return nil
}

func (b *build) section() string { return filepath.Join(b.dir, "codecs.json") }

// link links what the host loads.
func (b *build) link(ctx context.Context) (string, error) {
	library := filepath.Join(b.dir, b.Host.File)
	args := append(append([]string{"build"}, b.Host.Flags...), "-o", library, "./library")
	return library, b.goCommandFor(ctx, b.Host.Environment, args...)
}

// install puts the library into place in one step.
func (b *build) install(library string) error {
	text, err := os.ReadFile(library) //nolint:gosec // our own file
	if err != nil {
		return err
	}
	output, err := filepath.Abs(b.Output)
	if err != nil {
		return err
	}
	temporary := output + ".new"
	err = os.WriteFile(temporary, text, 0o644) //nolint:gosec // Envoy may run as somebody else
	if err == nil {
		err = os.Rename(temporary, output)
	}
	if err != nil {
		os.Remove(temporary) //nolint:errcheck,gosec // the error before is the one to tell
	}
	return err
}

// errInterrupted is the error of a build whose context ended.
var errInterrupted = errors.New("interrupted")

// goCommand runs the go command in the module. Its error has what the go command said.
func (b *build) goCommand(ctx context.Context, args ...string) error {
	return b.goCommandFor(ctx, nil, args...)
}

// goCommandFor does so for another environment than that of this machine.
func (b *build) goCommandFor(ctx context.Context, environment []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // checked import paths
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOWORK=off", "GOFLAGS=-mod=mod -buildvcs=false")
	cmd.Env = append(cmd.Env, environment...)
	var complaint bytes.Buffer
	cmd.Stderr = io.MultiWriter(&complaint, b.Log)
	switch err := cmd.Run(); {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("the go command is not on PATH: a library is built with Go")
	case ctx.Err() != nil:
		return errInterrupted
	default:
		return fmt.Errorf("go %s: %w\n%s", args[0], err, b.inWords(complaint.String()))
	}
}

// inWords writes packages as the user names them into what the go command said.
func (b *build) inWords(complaint string) string {
	for i, a := range b.Add {
		complaint = strings.ReplaceAll(complaint, fmt.Sprintf("added%d.", i), a.Package+".")
	}
	return strings.TrimSpace(complaint)
}
