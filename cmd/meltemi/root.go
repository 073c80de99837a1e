package main

import (
	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
)

// newRootCmd composes the command line. Each command lives in its own file and
// decides its exit code by the error that it returns (package cli).
func newRootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:   "meltemi",
		Short: "Any RPC protocol through an unmodified Envoy",
		Long: `Meltemi teaches an unmodified Envoy any RPC protocol: inside Envoy a call is an
HTTP/2 request, so routing, retries, timeouts, faults, limits and tracing work.

Exit codes: 0 good, 1 the call or check failed, 2 usage, 3 Envoy missing or unfit.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return cli.Usagef("%w (see %q)", err, cmd.CommandPath()+" --help")
	})
	codecs := builtinCodecs()
	root.AddCommand(
		newRunCmd(codecs),
		newConfigCmd(codecs),
		newValidateCmd(codecs),
		newCallCmd(codecs),
		newServeCmd(codecs),
		newInspectCmd(codecs),
		newConformanceCmd(codecs),
		newCodecsCmd(codecs),
		newNewCmd(),
		newBuildCmd(),
		newVersionCmd(codecNames(codecs)),
	)
	return root
}
