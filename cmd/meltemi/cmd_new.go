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
)

func newNewCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Begin something new",
		Args:  cli.Args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newNewCodecCmd())
	return cmd
}

const newCodecLong = `Write a Go module for a codec, in a folder of its own: a small protocol that works, with
its conformance test, a fuzz target, sample frames, a plugin for the command line, a
Makefile and a mesh file. Change it into your protocol, and let the tests tell what is not
yet right.

The module builds with the checkout of Meltemi that --sdk names, or with the published
version that --sdk-version names.`

func newNewCodecCmd() *cobra.Command {
	var c scaffold.Codec
	cmd := &cobra.Command{
		Use:   "codec NAME",
		Short: "Write a module for a new codec",
		Long:  newCodecLong,
		Example: `  meltemi new codec ledger
  cd ledger && make test && make run`,
		Args:              cli.Args(cobra.ExactArgs(1)),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Name = args[0]
			return runNewCodec(cmd, &c)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Module, "module", "", "`PATH` of the module (default: example.com/NAME)")
	f.StringVar(&c.Folder, "dir", "", "the `FOLDER` to write (default: NAME)")
	sdkFlags(cmd, &c.SDK, &c.Version)
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

func runNewCodec(cmd *cobra.Command, c *scaffold.Codec) error {
	if c.Module == "" {
		c.Module = "example.com/" + c.Name
	}
	if c.Folder == "" {
		c.Folder = c.Name
	}
	var err error
	if c.SDK, err = findSDK(c.SDK, c.Version); err != nil {
		return cli.Usagef("%w", err)
	}
	if c.Version == "" {
		c.Version = "v0.0.0" // what the checkout replaces
	}
	c.Program = "meltemi"
	if executable, err := os.Executable(); err == nil {
		c.Program = executable
	}
	ctx, stop := untilSignal(cmd)
	defer stop()
	names, err := c.Write()
	if err != nil {
		return cli.Usagef("%w", err)
	}
	out := cmd.OutOrStdout()
	for _, name := range names {
		if _, err := fmt.Fprintln(out, filepath.Join(c.Folder, name)); err != nil {
			return err
		}
	}
	if err := c.Tidy(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nNext: cd %s && make test. README.md there tells the rest.\n", c.Folder)
	return err
}
