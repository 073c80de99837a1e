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
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

// Options are what Build makes.
type Options struct {
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
	Glibc string // the oldest glibc that the library runs with, such as 2.34
}

// Build builds a library. Nothing is at Output unless all went well.
func Build(ctx context.Context, o *Options) (*Result, error) {
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
	glibc, err := glibcFloor(library)
	if err != nil {
		return nil, err
	}
	return &Result{info, glibc}, b.install(library)
}

type build struct {
	*Options
	dir string
}

// writeModule writes the module and settles its dependencies.
func (b *build) writeModule(ctx context.Context) error {
	for name, text := range files(b.Options) {
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
		if _, err := b.goCommand(ctx, "get", a.Package+"@"+version); err != nil {
			return err
		}
	}
	if b.SDK == "" {
		if _, err := b.goCommand(ctx, "get", Module+"@"+b.Version); err != nil {
			return err
		}
	}
	_, err := b.goCommand(ctx, "mod", "tidy")
	return err
}

// describe asks the codecs themselves what they are. A list that Envoy would refuse ends
// here.
func (b *build) describe(ctx context.Context) (*moduleinfo.Info, error) {
	text, err := b.goCommand(ctx, "run", "./describe")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(b.section(), text, 0o600); err != nil {
		return nil, err
	}
	var info moduleinfo.Info
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, fmt.Errorf("what the codecs tell of themselves: %w", err)
	}
	return &info, nil
}

func (b *build) section() string { return filepath.Join(b.dir, "codecs.json") }

// link links the library as `make build` does: Envoy resolves its callbacks late, so
// binding must be lazy, and libc's resolver stays out of its process.
func (b *build) link(ctx context.Context) (string, error) {
	library := filepath.Join(b.dir, "libmeltemi.so")
	if _, err := b.goCommand(ctx, "build", "-buildmode=c-shared", "-trimpath", "-tags", "netgo,osusergo",
		"-ldflags", `-s -w -extldflags "-Wl,-z,lazy"`, "-o", library, "./library"); err != nil {
		return "", err
	}
	add := exec.CommandContext(ctx, "objcopy", "--add-section", moduleinfo.Section+"="+b.section(), //nolint:gosec // our own file
		"--set-section-flags", moduleinfo.Section+"=noload,readonly", library)
	if out, err := add.CombinedOutput(); err != nil {
		return "", fmt.Errorf("objcopy, which comes with the C compiler: %w\n%s", err, out)
	}
	return library, nil
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
	if err := os.WriteFile(temporary, text, 0o644); err != nil { //nolint:gosec // Envoy may run as somebody else
		return err
	}
	return os.Rename(temporary, output)
}

// goCommand runs the go command in the module and returns what it printed.
func (b *build) goCommand(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // checked import paths
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOWORK=off", "GOFLAGS=-mod=mod -buildvcs=false")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, io.MultiWriter(&complaint, b.Log)
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("the go command is not on PATH: a library is built with Go")
		}
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, strings.TrimSpace(complaint.String()))
	}
	return out.Bytes(), nil
}
