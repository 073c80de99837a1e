package main

import (
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/answers"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

const replayLong = `Send the calls that the filter "record" has recorded again, to a server or a proxy before
it, and tell what became of them. The messages are those that the clients sent, byte for
byte but for their ids. The codec, and how it is configured, stands in the files.

What the calls did is done again: replay to a server that may do it twice.

With --diff each answer is compared with the recorded one: status, metadata, and the
result as the codec shows it. Ids do not count. What else differs from call to call by
nature is left out with --ignore: the name of a metadata entry, or a path as differences
print it, with all that is below it and '*' for any characters (result.items[*].time).

Without --diff a call fails if it gets no answer, or an error where the recorded call had
none. With it, one whose answer differs is told apart from one without an answer.

Calls go as fast as the answers come, on --concurrency connections; with --rate so many a
second at most, or at the times at which they were recorded (--rate original).

Entries that were redacted are missing in the recorded messages; --set puts them back. It
sets an entry of every call.

With -o json each line is one object, whose "type" is difference, failure, problem or, last,
summary.

Exit codes: 0 all answers are good, or with --diff the same; 1 one is not, or a line of a
file cannot be read; 2 usage.`

const replayExample = `  # does the new version answer as the old one did?
  meltemi replay calls-20261125T061500.000Z.jsonl --to 127.0.0.1:20881 --diff --ignore result.time

  # the load of that hour, once more
  meltemi replay calls-*.jsonl --to 127.0.0.1:20881 --rate original --concurrency 64

  # some methods only, with the token that was redacted
  meltemi replay calls-*.jsonl --to 127.0.0.1:20881 --methods 'shop.Orders/get*' --set token=...`

// replayOptions are the flags of replay.
type replayOptions struct {
	to          string
	diff        bool
	ignore      []string
	rate        string
	concurrency int
	count       int
	methods     []string
	set         []string
	timeout     time.Duration
	linger      time.Duration
	output      string
	codec       codecChoice
	maxMessage  int
}

func newReplayCmd(codecs []sdk.Definition) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:     "replay FILE|-... --to ADDR",
		Short:   "Send recorded calls again, and compare the answers",
		Long:    replayLong,
		Example: replayExample,
		Args:    cli.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runReplay(cmd, codecs, &o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", "the `ADDR` of the server, HOST:PORT")
	f.BoolVar(&o.diff, "diff", false, "compare the answers with the recorded ones")
	f.StringArrayVar(&o.ignore, "ignore", nil, "do not compare this `PATH` or metadata entry; repeat it for each")
	f.StringVar(&o.rate, "rate", "", "at most this `NUMBER` of calls a second, or original")
	f.IntVarP(&o.concurrency, "concurrency", "c", 1, "on that many `CONNECTIONS` at once")
	f.IntVarP(&o.count, "count", "n", 0, "no more than the first `CALLS`; 0 for all")
	f.StringArrayVar(&o.methods, "methods", nil, "only methods of this `PATTERN`, SERVICE/METHOD with * for any characters; repeat it for each")
	f.StringArrayVarP(&o.set, "set", "s", nil, "metadata (attachments, headers), `KEY=VALUE`; repeat it for each")
	f.DurationVar(&o.timeout, "timeout", 5*time.Second, "how long to wait for a connection and the answer")
	f.DurationVar(&o.linger, "linger", 200*time.Millisecond, "how long connections stay open after one-way calls")
	outputFlag(cmd, &o.output, "`FORMAT` of the output: text, or json for one object a line")
	o.codec.addFlags(cmd)
	f.IntVar(&o.maxMessage, "max-message", sdk.DefaultMaxMessage, "greatest answer in `BYTES`")
	for _, flag := range []string{"to", "ignore", "methods", "set"} {
		noCompletion(cmd, flag)
	}
	complete := cobra.FixedCompletions([]cobra.Completion{"original"}, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("rate", complete); err != nil {
		panic(err) // a defect: the flag was added above
	}
	return cmd
}

// noCompletion keeps a flag whose value is no file from completing to files.
func noCompletion(cmd *cobra.Command, flag string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions); err != nil {
		panic(err) // a defect: the flag is there
	}
}

func runReplay(cmd *cobra.Command, codecs []sdk.Definition, o *replayOptions, files []string) error {
	codecs, done, err := withPlugin(cmd.Context(), codecs, o.codec.plugin)
	if err != nil {
		return err
	}
	defer done()
	r := &replayer{
		options: o, codecs: &recordedCodecs{known: codecs, config: o.codec.config}, ignore: answers.Ignore(o.ignore),
		print: newReplayPrinter(cmd.OutOrStdout(), o),
	}
	if err := r.check(); err != nil {
		return err
	}
	inputs, closeAll, err := openRecorded(files, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer closeAll()
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err = r.replay(ctx, inputs)
	return r.print.finish(err)
}

// check reads the flags that are not plain values, and finds what is wrong with the
// others.
func (r *replayer) check() error {
	o := r.options
	switch {
	case o.to == "":
		return cli.Usagef("--to: missing: where should the calls go")
	case !o.diff && len(o.ignore) > 0:
		return cli.Usagef("--ignore is of no use without --diff")
	case o.timeout <= 0:
		return cli.Usagef("--timeout: %v is not a time to wait", o.timeout)
	case o.linger < 0:
		return cli.Usagef("--linger: %v is negative", o.linger)
	case o.count < 0:
		return cli.Usagef("--count: %d is not a number of calls", o.count)
	case o.concurrency < 1 || o.concurrency > maxConcurrency:
		return cli.Usagef("--concurrency: %d is not from 1 to %d", o.concurrency, maxConcurrency)
	case o.maxMessage < 1:
		return cli.Usagef("--max-message: %d is not a size", o.maxMessage)
	}
	var err error
	if r.pace, err = parseRate(o.rate); err != nil {
		return err
	}
	if r.methods, err = filter.ParseMethods(o.methods...); err != nil {
		return cli.Usagef("--methods%w", err)
	}
	if r.set, err = parseMetadata(o.set); err != nil {
		return err
	}
	if err := checkOutput(o.output); err != nil {
		return err
	}
	return checkAddress(o.to)
}

// parseRate reads --rate.
func parseRate(s string) (pace, error) {
	switch s {
	case "":
		return pace{}, nil
	case "original":
		return pace{original: true}, nil
	}
	perSecond, err := strconv.ParseFloat(s, 64)
	if err != nil || !(perSecond >= 0.001 && perSecond <= 1e6) {
		return pace{}, cli.Usagef("--rate: %q is neither original nor a number of calls a second from 0.001 to 1000000", s)
	}
	return pace{every: time.Duration(float64(time.Second) / perSecond)}, nil
}
