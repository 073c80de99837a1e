package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/capture"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/explain"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// maxHexText bounds a hex dump, which is read as a whole.
const maxHexText = 256 << 20

const inspectLong = `Explain captured bytes, message by message: where each starts and ends, its kind, id,
service, method, deadline, status, metadata and arguments. What is no message is shown
with its place, the reason and the bytes around it; reading goes on at the next place
that looks like one.

The input is a file, or the standard input:
  - raw bytes that one side sent, a single message or many,
  - a pcap or pcapng capture. TCP streams are put together again, both directions;
    missing packets are pointed out; streams that are not of this protocol are listed
    at the end. Any of tcpdump's and Wireshark's link types will do.
  - calls that the filter "record" has recorded. Which codec they need, and how it is
    configured, stands in the file: CODEC is "auto" or left out, or the one whose calls
    are wanted. Each call is told with its outcome, then its messages.
  - with --hex, hex digits, or what xxd, hexdump -C and Wireshark print.
Files compressed with gzip are read as well.

With -o json each line is one object, whose "type" is frame, problem, ignored or call.

Exit codes: 0 all could be read, 1 something could not, 2 usage.`

const inspectExample = `  # a capture
  tcpdump -i lo -w dubbo.pcap port 20880
  meltemi inspect dubbo dubbo.pcap

  # bytes from a log or a document
  echo 'dabb e200 0000 0000 0000 0001 0000 0001 4e' | meltemi inspect dubbo --hex

  # where the filter "arguments" would find a value
  meltemi inspect dubbo dubbo.pcap --path 0.customer.id

  # recorded calls
  meltemi inspect calls-20261125T061500.000Z.jsonl

  # the services and methods in a capture
  meltemi inspect dubbo dubbo.pcap -o json | jq -r 'select(.kind=="request") | .service+"/"+.method'`

// inspectOptions are the flags of inspect.
type inspectOptions struct {
	hex        bool
	from       string
	port       uint16
	paths      []string
	output     string
	codec      codecChoice
	maxMessage int
}

func newInspectCmd(codecs []sdk.Definition) *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:               "inspect [CODEC|auto] [FILE|-]",
		Short:             "Explain captured bytes",
		Long:              inspectLong + "\n\n" + describeCodecs(codecs),
		Example:           inspectExample,
		Args:              cli.Args(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: completeCodec(codecs, true),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInspect(cmd, codecs, &o, args)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.hex, "hex", false, "the input is hex")
	f.StringVar(&o.from, "from", "client", "the `SIDE` that sent raw or hex bytes: client, or server")
	f.Uint16Var(&o.port, "port", 0, "in captures, only streams to the server's `PORT`")
	f.StringArrayVar(&o.paths, "path", nil, "show what a `PATH` leads to in requests, such as 0.customer.id; repeat it for each")
	outputFlag(cmd, &o.output, "`FORMAT` of the output: text, or json for one object a line")
	o.codec.addFlags(cmd)
	f.IntVar(&o.maxMessage, "max-message", sdk.DefaultMaxMessage, "greatest message in `BYTES`")
	return cmd
}

func runInspect(cmd *cobra.Command, codecs []sdk.Definition, o *inspectOptions, args []string) error {
	codecs, done, err := withPlugin(cmd.Context(), codecs, o.codec.plugin)
	if err != nil {
		return err
	}
	defer done()
	name, path := inspectArguments(codecs, args)
	in := &inspector{options: o, calls: &recordedCodecs{known: codecs, config: o.codec.config}}
	if name != autoCodec {
		in.calls.only = name
		if in.codec, err = makeCodec(codecs, name, o.codec.config); err != nil {
			return err
		}
	}
	if bad := o.check(); bad != nil {
		return bad
	}
	if in.paths, err = parsePaths(in.codec, o.paths); err != nil {
		return err
	}
	input := cmd.InOrStdin()
	if path != "-" {
		file, cannot := os.Open(path) //nolint:gosec // the user names it
		if cannot != nil {
			return cli.Usagef("%w", cannot)
		}
		defer file.Close() //nolint:errcheck // only read
		input = file
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	in.print = &inspectPrinter{out: out, json: o.output == "json", style: cli.StyleFor(cmd.OutOrStdout())}
	err = in.inspect(input)
	return errors.Join(in.print.finish(err), out.Flush())
}

// inspectArguments tells the codec and the file. A file alone tells its codec itself.
func inspectArguments(codecs []sdk.Definition, args []string) (codec, path string) {
	if len(args) > 1 {
		return args[0], args[1]
	}
	known := args[0] == autoCodec || slices.Contains(codecNames(codecs), args[0])
	if _, err := os.Stat(args[0]); !known && (err == nil || args[0] == "-") {
		return autoCodec, args[0]
	}
	return args[0], "-"
}

func (o *inspectOptions) check() error {
	switch {
	case o.from != sdk.FromClient.String() && o.from != sdk.FromServer.String():
		return cli.Usagef("--from: no side %q: there are client, server", o.from)
	case o.maxMessage < 1:
		return cli.Usagef("--max-message: %d is not a size", o.maxMessage)
	}
	return checkOutput(o.output)
}

// parsePaths parses paths to arguments that the codec finds.
func parsePaths(codec sdk.Codec, texts []string) ([]sdk.Path, error) {
	paths := make([]sdk.Path, 0, len(texts))
	for _, text := range texts {
		if codec == nil {
			return nil, cli.Usagef("--path: paths are the codec's: name it instead of %s", autoCodec)
		}
		reader, ok := codec.(sdk.ArgumentReader)
		if !ok {
			return nil, cli.Usagef("--path: codec %s finds no arguments", codec.Name())
		}
		p, err := sdk.ParsePath(text)
		if err == nil {
			err = reader.CheckPath(&p)
		}
		if err != nil {
			return nil, cli.Usagef("--path: %w", err)
		}
		paths = append(paths, p)
	}
	return paths, nil
}

// inspector reads an input in any format and prints what it holds.
type inspector struct {
	codec   sdk.Codec // nil: the input has to tell it
	calls   *recordedCodecs
	options *inspectOptions
	paths   []sdk.Path
	print   *inspectPrinter
}

func (in *inspector) inspect(input io.Reader) error {
	if in.options.hex && in.codec != nil {
		return in.hex(input)
	}
	input, format, err := capture.Open(input)
	switch {
	case err != nil:
		return err
	case format == capture.Calls:
		in.print.recorded = true
		calls := explain.Calls{Codec: in.calls.of, Limit: in.options.maxMessage, Paths: in.paths, Emit: in.print.record}
		return calls.Read(input)
	case in.codec == nil:
		return cli.Usagef("the input does not tell its codec, as only recorded calls do: name one of %s", strings.Join(codecNames(in.calls.known), ", "))
	case format == capture.Raw:
		return in.raw(input)
	}
	in.print.capture = true
	streams := explain.NewStreams(in.codec, in.options.maxMessage, in.print.record)
	streams.Paths = in.paths
	in.print.stats, err = capture.ReadStreams(input, format, in.options.port, streams)
	return err
}

func (in *inspector) hex(input io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(input, maxHexText+1))
	if err != nil {
		return err
	}
	if len(text) > maxHexText {
		return fmt.Errorf("hex: more than %d bytes of text", maxHexText)
	}
	b, err := capture.DecodeHex(text)
	if err != nil {
		return err
	}
	d := in.direction()
	d.Feed(b, time.Time{})
	d.End()
	return nil
}

func (in *inspector) raw(input io.Reader) error {
	d := in.direction()
	defer d.End()
	buf := make([]byte, 64<<10)
	for {
		n, err := input.Read(buf)
		d.Feed(buf[:n], time.Time{})
		in.print.looksLikeHex(buf[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (in *inspector) direction() *explain.Direction {
	codec, from := in.codec, sdk.FromClient
	if in.options.from == sdk.FromServer.String() {
		from = sdk.FromServer
	}
	if p, ok := codec.(sdk.PerConnection); ok {
		codec = p.NewConnection()
	}
	d := explain.NewDirection(codec, from, in.options.maxMessage, explain.Place{}, in.print.record)
	d.Paths = in.paths
	return d
}
