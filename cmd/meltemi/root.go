package main

import (
	"context"
	"os/signal"
	"strings"
	"syscall"

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
		Version:       version,
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
		newTranslateCmd(codecs),
		newLintCmd(codecs),
		newMigrateCmd(codecs),
		newCallCmd(codecs),
		newServeCmd(codecs),
		newInspectCmd(codecs),
		newReplayCmd(codecs),
		newConformanceCmd(codecs),
		newCodecsCmd(codecs),
		newFiltersCmd(codecs),
		newNewCmd(codecs, builtinFilters()),
		newBuildCmd(),
		newVersionCmd(codecNames(codecs)),
	)
	refuseUnknownTopics(root)
	return root
}

// untilSignal is a context for a command whose children, and files in the system's
// temporary folder, must not outlive it: the first SIGINT or SIGTERM ends it, and a second
// one the process.
func untilSignal(cmd *cobra.Command) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// refuseUnknownTopics makes "help" and "completion" of what does not exist an error of
// usage; cobra's own commands print a help text and succeed.
func refuseUnknownTopics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				if _, rest, err := root.Find(args); err != nil || len(rest) > 0 {
					return cli.Usagef("no command %q (see %q)", strings.Join(args, " "), root.Name()+" --help")
				}
				return nil
			}
		case "completion":
			cmd.Args = cli.Args(cobra.NoArgs)
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}
