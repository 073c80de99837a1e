package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/rpcserver"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// stopTime is how long open calls may take after the first signal to stop.
const stopTime = 5 * time.Second

// sampleException is the type of the exceptions of --exception without a value.
const sampleException = "meltemi.SampleException"

const serveLong = `Serve any method of any service. Each answer tells the server's name, how many calls
it has had, the service, the method, the metadata and the arguments that it saw. So it
shows what a proxy made of a call.

It prints "ready ADDR" once it listens; port 0 takes a free one. A one-way call prints
a line, since nothing else shows that it arrived; with --verbose every call does.

--fail RATE fails that share of the calls with the protocol's own error for a server
that has too much to do. It counts as UNAVAILABLE, so a mesh may send the call to
another server. There are no dice: with 0.5 every second call fails, beginning with the
second, with 0.1 every tenth, with 1 every call. --fail-calls FROM-TO makes the calls
with those numbers fail, counted from 1: a server that falls ill and recovers.

On SIGINT or SIGTERM it accepts no more connections, asks its clients for no new calls
where the protocol can, and finishes those that are open, for at most 5 s.`

const serveExample = `  # two versions to split traffic between
  meltemi serve dubbo 127.0.0.1:20881 --name v1
  meltemi serve dubbo 127.0.0.1:20882 --name v2 --delay 20ms

  # every second call fails; then an exception instead of a result
  meltemi serve dubbo 127.0.0.1:20883 --name bad --fail 0.5
  meltemi serve dubbo 127.0.0.1:20884 --exception=java.lang.IllegalStateException

  # well for 100 calls, ill for 50, and well again
  meltemi serve dubbo 127.0.0.1:20885 --fail-calls 101-150`

// serveOptions are the flags of serve.
type serveOptions struct {
	name       string
	delay      time.Duration
	fail       float64
	failCalls  callRange
	exception  string
	verbose    bool
	codec      codecChoice
	maxMessage int
}

func newServeCmd(codecs []sdk.Definition) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:               "serve CODEC ADDR",
		Short:             "Run a sample RPC server that tells what it saw",
		Long:              serveLong + "\n\n" + describeCodecs(codecs),
		Example:           serveExample,
		Args:              cli.Args(cobra.ExactArgs(2)),
		ValidArgsFunction: completeCodec(codecs, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runServe(cmd, codecs, &o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "the server's `NAME` in its answers (default: its address)")
	f.DurationVar(&o.delay, "delay", 0, "how long each call takes")
	f.Float64Var(&o.fail, "fail", 0, "the share of calls that fail, a `RATE` from 0 to 1")
	f.Var(&o.failCalls, "fail-calls", "the calls that fail by their numbers, `FROM-TO`, counted from 1")
	f.StringVar(&o.exception, "exception", "", "answer with an exception, of that `TYPE` if there is one")
	f.Lookup("exception").NoOptDefVal = sampleException
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print a line for each call")
	o.codec.addFlags(cmd)
	f.IntVar(&o.maxMessage, "max-message", sdk.DefaultMaxMessage, "greatest request in `BYTES`")
	return cmd
}

func (o *serveOptions) check(address string) error {
	switch {
	case !(o.fail >= 0 && o.fail <= 1): // written so that it refuses NaN too
		return cli.Usagef("--fail: %v is not from 0 to 1", o.fail)
	case o.delay < 0:
		return cli.Usagef("--delay: %v is negative", o.delay)
	case o.maxMessage < 1:
		return cli.Usagef("--max-message: %d is not a size", o.maxMessage)
	}
	return checkAddress(address)
}

func runServe(cmd *cobra.Command, codecs []sdk.Definition, o *serveOptions, args []string) error {
	codec, done, err := o.codec.make(cmd.Context(), codecs, args[0])
	if err != nil {
		return err
	}
	defer done()
	if bad := o.check(args[1]); bad != nil {
		return bad
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", args[1])
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	log := newServeLog(cmd.OutOrStdout(), cmd.ErrOrStderr(), o.verbose)
	name := o.name
	if name == "" {
		name = ln.Addr().String()
	}
	server, err := rpcserver.New(rpcserver.Options{
		Codec: codec,
		Handler: &rpcserver.Sample{
			Name: name, Delay: o.delay, FailRate: o.fail, FailFrom: o.failCalls.from, FailTo: o.failCalls.to,
			Exception: o.exception, OnCall: log.call,
		},
		MaxMessage: o.maxMessage,
		OnError:    log.problem,
	})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	log.ready(ln.Addr())
	return serveUntil(ctx, stop, server, ln, log)
}

// serveUntil serves until ctx ends, and then stops in good order. restore lets a second
// signal end the process.
func serveUntil(ctx context.Context, restore func(), server *rpcserver.Server, ln net.Listener, log *serveLog) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.WithoutCancel(ctx), ln) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	restore()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		log.note("stopped with calls still open")
	}
	return <-served
}
