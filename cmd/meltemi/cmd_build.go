package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/compose"
)

// checkout is the folder of the sources that this program was built from, set by the
// linker (see the Makefile).
var checkout = ""

const buildLong = `Build a shared library for Envoy with Meltemi's own codecs and filters and those of other
modules. A process can hold one Go runtime only, so all of them have to be in one library.
--host builds for another host of the same filters (docs/hosts.md).

--with names the Go package of a codec or of a layer-7 filter, which has the function
  func Definition() sdk.Definition       or
  func Definition() filter.Definition
as PACKAGE for its latest version, PACKAGE@VERSION, or PACKAGE=FOLDER for sources on this
machine. A FOLDER alone, which begins with . or /, is that of the package. Names of codecs
must be unique, and those of filters.

Sources on this machine are built as their own tests were: with the replacements of their
go.mod, and the hashes of their go.sum.

It takes Go, and for a shared library a C compiler and objcopy. The library runs with the
glibc of this machine and newer ones; what it needs at least is printed.`

func newBuildCmd() *cobra.Command {
	var (
		with    []string
		host    string
		sdkDir  string
		version string
		output  string
		keep    bool
		verbose bool
	)
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Build a shared library with other codecs and filters in it",
		Long:  buildLong + "\n\n" + describeHosts(compose.Hosts()),
		Example: `  meltemi build --with ./ledger --with example.com/quota=../quota -o libmeltemi.so
  meltemi build --with example.com/ledger@v1.2.0 --with example.com/rpc/codec
  meltemi codecs --lib libmeltemi.so
  meltemi build --host wasm --with example.com/quota=../quota`,
		Args:              cli.Args(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := compose.FindHost(host)
			if err != nil {
				return cli.Usagef("--host: %w", err)
			}
			if output == "" {
				output = h.File
			}
			o := compose.Options{Host: h, Output: output, Log: discardUnless(verbose || keep, cmd.ErrOrStderr()), Keep: keep}
			for _, text := range with {
				a, err := compose.ParseAddition(text)
				if err != nil {
					return cli.Usagef("--with %w", err)
				}
				o.Add = append(o.Add, a)
			}
			if o.SDK, err = findSDK(sdkDir, version); err != nil {
				return cli.Usagef("%w", err)
			}
			o.Version = version
			ctx, stop := untilSignal(cmd)
			defer stop()
			result, err := compose.Build(ctx, &o)
			if bad, ok := errors.AsType[*compose.OptionError](err); ok {
				return cli.Usagef("%w", bad)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "built %s: codecs %s%s; %s%s\n",
				output, strings.Join(result.Names(), ", "), withFilters(result.FilterNames()), result.Go, withGlibc(result.Glibc))
			return err
		},
	}
	cmd.Flags().StringArrayVar(&with, "with", nil, "a codec's or filter's `PACKAGE`[@VERSION|=FOLDER], or its folder; repeat it for each")
	sdkFlags(cmd, &sdkDir, &version)
	hostFlag(cmd, &host)
	cmd.Flags().StringVarP(&output, "output", "o", "", "the library, a `FILE` (default: libmeltemi.so, or the usual name for the host)")
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the temporary module, and tell where it is")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show what the go command says")
	return cmd
}

// withFilters names the filters of a library, if it has any.
func withFilters(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; filters " + strings.Join(names, ", ")
}

// withGlibc tells what a library needs, if it needs any.
func withGlibc(version string) string {
	if version == "" {
		return ""
	}
	return "; needs glibc " + version + " or newer"
}

// hostFlag adds --host with its completion.
func hostFlag(cmd *cobra.Command, host *string) {
	hosts := compose.Hosts()
	cmd.Flags().StringVar(host, "host", hosts[0].Name, "the `HOST` to build for")
	names := make([]cobra.Completion, 0, len(hosts))
	for i := range hosts {
		names = append(names, cobra.CompletionWithDesc(hosts[i].Name, hosts[i].Summary))
	}
	if err := cmd.RegisterFlagCompletionFunc("host", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // a defect: the flag was added above
	}
}

// describeHosts lists the hosts for a help text.
func describeHosts(hosts []compose.Host) string {
	var b strings.Builder
	b.WriteString("Hosts:\n")
	for i := range hosts {
		fmt.Fprintf(&b, "  %-10s %s\n", hosts[i].Name, hosts[i].Summary)
	}
	return strings.TrimRight(b.String(), "\n")
}

// besideProgram is the folder above that of this program: bin/meltemi of a checkout.
func besideProgram() string {
	executable, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.Dir(filepath.Dir(executable))
}

func discardUnless(show bool, w io.Writer) io.Writer {
	if show {
		return w
	}
	return io.Discard
}
