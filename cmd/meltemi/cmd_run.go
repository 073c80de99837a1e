package main

import (
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/supervisor"
	"github.com/meltemi-mesh/meltemi/sdk"
)

const runLong = `Start Envoy with the shared library from a mesh file.

When all listeners accept connections it prints one line with their real addresses, so
that port 0 can be used, and the address of Envoy's admin interface (a free port of
127.0.0.1 unless the file has admin):

  ready orders=127.0.0.1:20880 admin=127.0.0.1:43117

It follows the file. A change of routes and clusters is applied without losing a call;
one of a listener drains its connections, whose clients are asked to go if their protocol
has a word for it. Both are told in a line that begins with "reloaded". If the new file is
wrong, what runs goes on and the errors are told. Other changes need a restart, which
is said as well. SIGHUP reads the file at once; SIGUSR1 makes Envoy open its access
logs anew, for programs that rotate them.

A port that another process listens on is an error. Envoy would share it, which is what
a listener with enable_reuse_port gets.

SIGINT or SIGTERM stops it: no new connections, then the end once all connections are
gone, or after --drain-time. A second signal stops it at once. If this program dies,
Envoy does too. If Envoy ends by itself, so does this program, with exit code 1.`

const runExample = `  meltemi run mesh.yaml
  meltemi run mesh.yaml --envoy /usr/local/bin/envoy --concurrency 2
  MELTEMI_LIBRARY=build/libmeltemi.so meltemi run mesh.yaml --log-level info`

// runFlags are the flags of run.
type runFlags struct {
	envoyFlags
	concurrency int
	logLevel    string
	drainTime   time.Duration
}

// logLevels are those of Envoy.
var logLevels = []string{"trace", "debug", "info", "warning", "error", "critical", "off"}

func newRunCmd(codecs []sdk.Definition) *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:               "run FILE",
		Short:             "Start Envoy from a mesh file, and follow the file",
		Long:              runLong,
		Example:           runExample,
		Args:              cli.Args(cobra.ExactArgs(1)),
		ValidArgsFunction: completeMeshFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return run(cmd, &flags, args[0], codecs)
		},
	}
	flags.add(cmd)
	cmd.Flags().IntVar(&flags.concurrency, "concurrency", runtime.NumCPU(), "Envoy's worker threads")
	cmd.Flags().StringVar(&flags.logLevel, "log-level", "error", "Envoy's log level: trace, debug, info, warning, error, critical or off")
	cmd.Flags().DurationVar(&flags.drainTime, "drain-time", 10*time.Second, "how long connections may go on after a stop, or after a change of their listener")
	completeFlag(cmd, "log-level", logLevels...)
	return cmd
}

func run(cmd *cobra.Command, flags *runFlags, file string, codecs []sdk.Definition) error {
	if err := flags.check(); err != nil {
		return err
	}
	library, check, err := findLibrary(flags.library, codecs)
	if err != nil {
		return err
	}
	// An error in the file is told before Envoy is looked for.
	if _, err := readMesh(file, check); err != nil {
		return err
	}
	binary, err := findEnvoy(cmd.Context(), flags.envoy)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
	defer signal.Stop(signals)
	return supervisor.Run(cmd.Context(), &supervisor.Options{
		File:        file,
		Envoy:       binary.Path,
		Library:     library,
		Check:       check,
		Concurrency: flags.concurrency,
		LogLevel:    flags.logLevel,
		DrainTime:   flags.drainTime,
		Out:         cmd.OutOrStdout(),
		Err:         cmd.ErrOrStderr(),
		Signals:     signals,
	})
}

// check finds flags that Envoy would not take.
func (f *runFlags) check() error {
	if f.concurrency < 1 {
		return cli.Usagef("--concurrency %d: Envoy needs at least one worker", f.concurrency)
	}
	if f.drainTime < 0 {
		return cli.Usagef("--drain-time %s: a time cannot be negative", f.drainTime)
	}
	if !slices.Contains(logLevels, f.logLevel) {
		return cli.Usagef("--log-level %q: want one of %s", f.logLevel, strings.Join(logLevels, ", "))
	}
	return nil
}
