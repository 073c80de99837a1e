package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/envoy-build/envoybin"
)

// envoyFlags are the flags of commands that run Envoy.
type envoyFlags struct {
	envoy string
	libraryFlag
}

func (f *envoyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.envoy, "envoy", "", "the Envoy to run, a `FILE` (default: $MELTEMI_ENVOY, what 'make envoy' fetched, or the one on PATH)")
	f.libraryFlag.add(cmd)
}

// libraryFlag is the flag of commands that know the shared library.
type libraryFlag struct{ library string }

func (f *libraryFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.library, "library", "", "the shared library, a `FILE` (default: $MELTEMI_LIBRARY, libmeltemi.so beside this program or in ./bin)")
}

// findEnvoy finds the Envoy at path, or the default one. Its errors end the command
// with the exit code for an Envoy that is missing or unfit.
func findEnvoy(ctx context.Context, path string) (*envoybin.Binary, error) {
	binary, err := envoybin.Find(ctx, path, fetchedEnvoys())
	if _, ok := errors.AsType[*envoybin.UnfitError](err); ok {
		return nil, cli.Unfitf("%w", err)
	}
	return binary, err
}

// fetchedEnvoys is the folder into which `make envoy` fetches: .cache/envoy of the
// repository that this program was built in, or of the one that it is run in.
func fetchedEnvoys() string {
	here := filepath.Join(".cache", "envoy")
	executable, err := os.Executable()
	if err != nil {
		return here
	}
	beside := filepath.Join(filepath.Dir(filepath.Dir(executable)), here)
	if _, err := os.Stat(beside); err == nil {
		return beside
	}
	return here
}

// completeFlag completes a flag of cmd to one of values.
func completeFlag(cmd *cobra.Command, flag string, values ...string) {
	complete := cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	cmd.RegisterFlagCompletionFunc(flag, complete) //nolint:errcheck,gosec // fails for an unknown flag only
}
