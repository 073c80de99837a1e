package compose

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

// Host is a program that runs what is built, and how one builds for it.
type Host struct {
	Name    string // what --host takes
	Summary string // a line for the help text
	File    string // the usual name of what is built
	// Package is the package of Meltemi that the library's main hands its lists to, by
	// its folder. It has Register and Library, as package abi does.
	Package string
	// Nested tells that Package is a module of its own, with dependencies that users of
	// the SDK do not have.
	Nested bool
	// Environment and Flags are for the go command that links.
	Environment, Flags []string
	// Wasm tells that the file is a Wasm module, not a shared library of this machine.
	Wasm bool
}

// sharedLibrary are the flags with which `make build` links too: Envoy resolves its
// callbacks late, so binding must be lazy, and libc's resolver stays out of its process.
var sharedLibrary = []string{
	"-buildmode=c-shared", "-trimpath", "-tags", "netgo,osusergo", "-ldflags", `-s -w -extldflags "-Wl,-z,lazy"`,
}

// Hosts are the hosts that there are, the usual one first.
func Hosts() []Host {
	return []Host{
		{
			Name: "envoy", Summary: "Envoy's dynamic modules, which can do everything", File: "libmeltemi.so",
			Package: "sdk/abi", Flags: sharedLibrary,
		},
		{
			Name: "contrib", Summary: "Envoy's contrib Go filters, for proxies without dynamic modules", File: "libmeltemi-contrib.so",
			Package: "sdk/contrib", Nested: true, Flags: sharedLibrary,
		},
		{
			Name: "wasm", Summary: "Envoy's Wasm sandbox, for filters", File: "meltemi.wasm",
			Package: "sdk/wasm", Nested: true, Wasm: true,
			Environment: []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"},
			Flags:       []string{"-buildmode=c-shared", "-trimpath", "-ldflags", "-s -w"},
		},
	}
}

// FindHost finds a host by its name.
func FindHost(name string) (*Host, error) {
	hosts := Hosts()
	if at := slices.IndexFunc(hosts, func(h Host) bool { return h.Name == name }); at >= 0 {
		return &hosts[at], nil
	}
	names := make([]string, len(hosts))
	for i := range hosts {
		names[i] = hosts[i].Name
	}
	return nil, fmt.Errorf("no host %q: there are %s", name, strings.Join(names, ", "))
}

// modules are the paths of the modules of Meltemi that a build for the host needs.
func (o *Options) modules() []string {
	if o.Host.Nested {
		return []string{Module, Module + "/" + o.Host.Package}
	}
	return []string{Module}
}

// finish puts the description into what was linked, and returns the oldest glibc that it
// runs with.
func (h *Host) finish(ctx context.Context, library, section string) (glibc string, err error) {
	if h.Wasm {
		info, err := os.ReadFile(section) //nolint:gosec // our own file
		if err != nil {
			return "", err
		}
		return "", moduleinfo.AddToWasm(library, info)
	}
	add := exec.CommandContext(ctx, "objcopy", "--add-section", moduleinfo.Section+"="+section, //nolint:gosec // our own file
		"--set-section-flags", moduleinfo.Section+"=noload,readonly", library)
	if out, err := add.CombinedOutput(); err != nil {
		return "", fmt.Errorf("objcopy, which comes with the C compiler: %w\n%s", err, bytes.TrimSpace(out))
	}
	return glibcFloor(library)
}
