package main

import (
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/sdk"
)

const callLong = `Call a method of an RPC server, or of a proxy before it, and print the answer.

The method is split from the service at the last '/', or else at the last '.':
com.foo.Greeter.hello and com.foo.Greeter/hello are the same. Without either there
is no service, for protocols that have none.

--arg adds an argument, JSON with or without the protocol's own name of its type
before it: --arg 5, --arg '"text"', --arg long:5, --arg 'java.lang.String:"text"'.
What types there are, and what is assumed without one, is the codec's to say.

With --repeat the output is a summary: how many calls went well, which server
answered how often ("meltemi serve" tells its name), what went wrong, how long it
took. With --concurrency each of that many connections has one call open at a time.

A one-way call has no answer. Where the protocol has heartbeats, the answer to one
shows that the call was read. The connection stays open for --linger, so that a
proxy can pass the call on before its caller is gone.

Exit codes: 0 all calls succeeded, 1 one failed (an exception, an error status, no
answer), 2 usage.`

const callExample = `  # one argument
  meltemi call dubbo 127.0.0.1:20880 com.foo.Greeter.hello --arg '"world"'

  # attachments, a typed argument, JSON out
  meltemi call dubbo 127.0.0.1:20880 com.foo.Orders.get --arg long:7 \
      --set group=blue --set traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 -o json

  # which server answers how often
  meltemi call dubbo 127.0.0.1:20880 com.foo.Greeter.hello -n 100 --concurrency 4

  # a body that some other program has encoded
  meltemi call dubbo 127.0.0.1:20880 com.foo.Greeter.hello --payload @body.bin`

// callOptions are the flags of call.
type callOptions struct {
	args        []string
	payload     string
	set         []string
	timeout     time.Duration
	oneWay      bool
	linger      time.Duration
	output      string
	repeat      int
	concurrency int
	codec       codecChoice
	maxMessage  int
}

func newCallCmd(codecs []sdk.Definition) *cobra.Command {
	var o callOptions
	cmd := &cobra.Command{
		Use:               "call CODEC ADDR SERVICE.METHOD",
		Short:             "Call a method of an RPC server",
		Long:              callLong + "\n\n" + describeCodecs(codecs),
		Example:           callExample,
		Args:              cli.Args(cobra.ExactArgs(3)),
		ValidArgsFunction: completeCodec(codecs, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCall(cmd, codecs, &o, args)
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&o.args, "arg", "a", nil, "an argument, `[TYPE:]JSON`; repeat it for each")
	f.StringVar(&o.payload, "payload", "", "the encoded body instead of arguments: text, `@FILE`, or @- for the standard input")
	f.StringArrayVarP(&o.set, "set", "s", nil, "metadata (attachments, headers), `KEY=VALUE`; repeat it for each")
	f.DurationVar(&o.timeout, "timeout", 5*time.Second, "how long to wait for a connection and the answer; the server is told, where the protocol can")
	f.BoolVar(&o.oneWay, "oneway", false, "want no answer")
	f.DurationVar(&o.linger, "linger", 200*time.Millisecond, "how long the connection stays open after one-way calls")
	outputFlag(cmd, &o.output, "`FORMAT` of the output: text, or json for one object")
	f.IntVarP(&o.repeat, "repeat", "n", 1, "make that many `CALLS`")
	f.IntVarP(&o.concurrency, "concurrency", "c", 1, "on that many `CONNECTIONS` at once")
	o.codec.addFlags(cmd)
	f.IntVar(&o.maxMessage, "max-message", sdk.DefaultMaxMessage, "greatest answer in `BYTES`")
	return cmd
}

func runCall(cmd *cobra.Command, codecs []sdk.Definition, o *callOptions, args []string) error {
	codec, done, err := o.codec.make(cmd.Context(), codecs, args[0])
	if err != nil {
		return err
	}
	defer done()
	request, err := o.request(args[2], cmd.InOrStdin())
	if err != nil {
		return err
	}
	if err := o.check(args[1]); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := &caller{codec: codec, address: args[1], request: request, options: o}
	p := callPrinter{out: cmd.OutOrStdout(), json: o.output == "json", style: cli.StyleFor(cmd.OutOrStdout())}
	if o.repeat > 1 {
		return p.summary(c.many(ctx))
	}
	return p.single(c.once(ctx))
}

// check finds what is wrong with the flags, beside what request finds.
func (o *callOptions) check(address string) error {
	switch {
	case o.timeout <= 0:
		return cli.Usagef("--timeout: %v is not a time to wait", o.timeout)
	case o.linger < 0:
		return cli.Usagef("--linger: %v is negative", o.linger)
	case o.repeat < 1:
		return cli.Usagef("--repeat: %d is not a number of calls", o.repeat)
	case o.concurrency < 1 || o.concurrency > maxConcurrency:
		return cli.Usagef("--concurrency: %d is not from 1 to %d", o.concurrency, maxConcurrency)
	case o.maxMessage < 1:
		return cli.Usagef("--max-message: %d is not a size", o.maxMessage)
	}
	if err := checkOutput(o.output); err != nil {
		return err
	}
	return checkAddress(address)
}

// request makes the request of the flags.
func (o *callOptions) request(method string, stdin io.Reader) (sdk.Request, error) {
	r := sdk.Request{Timeout: o.timeout, OneWay: o.oneWay}
	var err error
	if r.Service, r.Method, err = splitMethod(method); err != nil {
		return r, err
	}
	if r.Arguments, err = parseArguments(o.args); err != nil {
		return r, err
	}
	if r.Metadata, err = parseMetadata(o.set); err != nil {
		return r, err
	}
	if o.payload == "" {
		return r, nil
	}
	if len(o.args) > 0 {
		return r, cli.Usagef("--payload and --arg exclude each other")
	}
	r.Payload, err = readPayload(o.payload, stdin, sdk.DefaultMaxMessage)
	return r, err
}

// splitMethod splits SERVICE.METHOD or SERVICE/METHOD.
func splitMethod(s string) (service, method string, err error) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		i = strings.LastIndexByte(s, '.')
	}
	service, method = s[:max(i, 0)], s[i+1:]
	if method == "" || i == 0 {
		return "", "", cli.Usagef("%q is not SERVICE.METHOD", s)
	}
	return service, method, nil
}
