package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/supervisor"
	"github.com/meltemi-mesh/meltemi/sdk"
)

const validateLong = `Check a mesh file.

All errors are told, each with its field and line: of the file, of Envoy's parts in it
(by the types and rules of Envoy's API), and of the codecs' configurations. Then Envoy
itself is asked (envoy --mode validate), with the shared library; --no-envoy leaves
that out.`

const validateExample = `  meltemi validate mesh.yaml
  meltemi validate mesh.yaml --no-envoy`

func newValidateCmd(codecs []sdk.Definition) *cobra.Command {
	var (
		flags   envoyFlags
		noEnvoy bool
	)
	cmd := &cobra.Command{
		Use:               "validate FILE",
		Short:             "Check a mesh file, and ask Envoy too",
		Long:              validateLong,
		Example:           validateExample,
		Args:              cli.Args(cobra.ExactArgs(1)),
		ValidArgsFunction: completeMeshFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			library, check, err := findLibrary(flags.library, codecs)
			if err != nil {
				return err
			}
			m, err := readMesh(args[0], check)
			if err != nil {
				return err
			}
			warn(cmd.ErrOrStderr(), args[0], m)
			judges := "not asked Envoy"
			if !noEnvoy {
				if judges, err = askEnvoy(cmd, flags.envoy, library, m); err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
			}
			out := cmd.OutOrStdout()
			_, err = fmt.Fprintf(out, "%s %s (%s)\n", cli.StyleFor(out).Good("valid"), args[0], judges)
			return err
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&noEnvoy, "no-envoy", false, "do not ask Envoy")
	return cmd
}

// askEnvoy lets an Envoy judge m, and says which one did.
func askEnvoy(cmd *cobra.Command, envoy, library string, m *mesh.Mesh) (string, error) {
	ctx, stop := untilSignal(cmd)
	defer stop()
	binary, err := findEnvoy(ctx, envoy)
	if err != nil {
		return "", fmt.Errorf("%w (or leave Envoy out with --no-envoy)", err)
	}
	if library == "" && m.NeedsModule() {
		return "", fmt.Errorf("%w; or leave Envoy out with --no-envoy", supervisor.MissingLibrary())
	}
	return fmt.Sprintf("Envoy %s", binary.Version), supervisor.AskEnvoy(ctx, binary.Path, library, m)
}
