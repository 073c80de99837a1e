package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/compose"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/scaffold"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

func newNewCmd(codecs []sdk.Definition, filters []filter.Definition) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Begin something new",
		Args:  cli.Args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newNewCodecCmd(codecNames(codecs)), newNewFilterCmd(filterNames(filters)))
	return cmd
}

const newCodecLong = `Write a Go module for a codec, in a folder of its own: a small protocol that works, with
its conformance test, a fuzz target, sample frames, a plugin for the command line, a
Makefile and a mesh file. Change it into your protocol, and let the tests tell what is not
yet right.

The module builds with the checkout of Meltemi that --sdk names, or with the published
version that --sdk-version names.`

func newNewCodecCmd(taken []string) *cobra.Command {
	return newModuleCmd(scaffold.Codec, taken, &cobra.Command{
		Use:   "codec NAME",
		Short: "Write a module for a new codec",
		Long:  newCodecLong,
		Example: `  meltemi new codec ledger
  cd ledger && make test && make run`,
	})
}

const newFilterLong = `Write a Go module for a layer-7 filter, in a folder of its own: a small filter that works
for calls of any protocol, with its unit test, a Makefile and a mesh file. Change it into
what you want.

The module builds with the checkout of Meltemi that --sdk names, or with the published
version that --sdk-version names.`

func newNewFilterCmd(taken []string) *cobra.Command {
	return newModuleCmd(scaffold.Filter, taken, &cobra.Command{
		Use:   "filter NAME",
		Short: "Write a module for a new layer-7 filter",
		Long:  newFilterLong,
		Example: `  meltemi new filter quota
  cd quota && make test && make run`,
	})
}

func filterNames(filters []filter.Definition) []string {
	names := make([]string, 0, len(filters))
	for i := range filters {
		names = append(names, filters[i].Name)
	}
	return names
}

// newModuleCmd completes a command that writes a module. Names that are taken are refused.
func newModuleCmd(kind scaffold.Kind, taken []string, cmd *cobra.Command) *cobra.Command {
	m := scaffold.Module{Kind: kind, Taken: taken}
	cmd.Args = cli.Args(cobra.ExactArgs(1))
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m.Name = args[0]
		return writeModule(cmd, &m)
	}
	f := cmd.Flags()
	f.StringVar(&m.Module, "module", "", "`PATH` of the module (default: example.com/NAME)")
	f.StringVar(&m.Folder, "dir", "", "the `FOLDER` to write (default: NAME)")
	sdkFlags(cmd, &m.SDK, &m.Version)
	return cmd
}

// sdkFlags adds the flags that tell which Meltemi a module builds with.
func sdkFlags(cmd *cobra.Command, dir, version *string) {
	cmd.Flags().StringVar(dir, "sdk", "", "the checkout of Meltemi, a `FOLDER` (default: the one that this program was built from)")
	cmd.Flags().StringVar(version, "sdk-version", "", "a published `VERSION` of Meltemi instead, such as v0.1.0")
}

// findSDK returns the checkout to build with, "" if a published version was named.
func findSDK(dir, version string) (string, error) {
	switch {
	case dir != "" && version != "":
		return "", errors.New("--sdk and --sdk-version exclude each other")
	case version != "":
		return "", compose.CheckVersion(version)
	}
	return compose.FindSDK(dir, checkout, besideProgram())
}

func writeModule(cmd *cobra.Command, m *scaffold.Module) error {
	if m.Module == "" {
		m.Module = "example.com/" + m.Name
	}
	if m.Folder == "" {
		m.Folder = m.Name
	}
	var err error
	if m.SDK, err = findSDK(m.SDK, m.Version); err != nil {
		return cli.Usagef("%w", err)
	}
	if m.Version == "" {
		m.Version = "v0.0.0" // what the checkout replaces
	}
	m.Program = "meltemi"
	if executable, err := os.Executable(); err == nil {
		m.Program = executable
	}
	ctx, stop := untilSignal(cmd)
	defer stop()
	names, err := m.Write()
	if err != nil {
		return cli.Usagef("%w", err)
	}
	out := cmd.OutOrStdout()
	for _, name := range names {
		if _, err := fmt.Fprintln(out, filepath.Join(m.Folder, name)); err != nil {
			return err
		}
	}
	if err := m.Tidy(ctx); err != nil {
		return err
	}
	next := "make test"
	if filepath.Clean(m.Folder) != "." {
		next = "cd " + m.Folder + " && " + next
	}
	_, err = fmt.Fprintf(out, "\nNext: %s. README.md there tells the rest.\n", next)
	return err
}
