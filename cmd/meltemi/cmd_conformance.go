package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/plugin"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

const conformanceLong = `Check that a codec keeps the contract of package sdk: that it finds messages in any
pieces, changes what a mesh wants changed and nothing else, replies as its clients
understand, and survives damage without a panic, a hang or memory that a message claims.
These are the checks of package sdk/sdktest, which tests of a codec run too.

FILES are messages of another implementation, a file each, or folders of them: *.hex with
hexadecimal digits and comments behind '#', *.bin with bytes. A name begins with the kind
of the message and tells who sent it, where that is not plain: request-get.hex,
oneway.hex, response.hex, heartbeat.bin, server-heartbeat.bin, go-away.hex. Without FILES
the codec makes its messages itself, if it can; that proves less.

A check is ok, FAIL, or "--" where the codec says that it does not do such a thing.

Exit codes: 0 it conforms, 1 it does not, 2 usage.`

// conformanceOptions are the flags of conformance.
type conformanceOptions struct {
	codec         codecChoice
	output        string
	only          []string
	random        time.Duration
	seed          uint64
	noAllocations bool
}

func newConformanceCmd(codecs []sdk.Definition) *cobra.Command {
	var o conformanceOptions
	cmd := &cobra.Command{
		Use:   "conformance CODEC [FILE|FOLDER ...]",
		Short: "Check a codec against the contract",
		Long:  conformanceLong + "\n\n" + describeCodecs(codecs),
		Example: `  meltemi conformance dubbo
  meltemi conformance mine testdata/ --random 1m
  meltemi conformance mine request.hex --only pipelining --only replies`,
		Args:              cli.Args(cobra.MinimumNArgs(1)),
		ValidArgsFunction: completeCodec(codecs, true),
		RunE: func(cmd *cobra.Command, args []string) error {
			codec, done, err := o.codec.make(cmd.Context(), codecs, args[0])
			if err != nil {
				return err
			}
			defer done()
			return runConformance(cmd, codec, &o, args[1:])
		},
	}
	f := cmd.Flags()
	o.codec.addFlags(cmd)
	f.StringArrayVar(&o.only, "only", nil, "make this `CHECK` only; repeat it for more: "+strings.Join(sdktest.Checks(), ", "))
	f.DurationVar(&o.random, "random", 0, "for how long to try random damage, too")
	f.Uint64Var(&o.seed, "seed", 1, "what the random damage begins with")
	f.BoolVar(&o.noAllocations, "no-allocations", false, "fail a codec that allocates when it reads")
	outputFlag(cmd, &o.output, "`FORMAT` of the report: text, or json")
	return cmd
}

// errNotConforming ends the command with exit code 1; the report has said why.
var errNotConforming = errors.New("the codec does not conform")

func runConformance(cmd *cobra.Command, codec sdk.Codec, o *conformanceOptions, paths []string) error {
	if err := checkOutput(o.output); err != nil {
		return err
	}
	for _, name := range o.only {
		if !slices.Contains(sdktest.Checks(), name) {
			return cli.Usagef("--only: no check %q: there are %s", name, strings.Join(sdktest.Checks(), ", "))
		}
	}
	suite := sdktest.Suite{Codec: codec, Only: o.only, Random: o.random, Seed: o.seed, NoAllocations: o.noAllocations}
	var err error
	if suite.Frames, err = loadFrames(paths); err != nil {
		return cli.Usagef("%w", err)
	}
	report, err := checkConformance(cmd.Context(), &suite)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if o.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		_, err = fmt.Fprint(out, report)
		if err == nil && len(paths) == 0 {
			_, err = fmt.Fprint(out, "\nThe codec made these messages itself; name files with messages of another implementation for a real proof.\n")
		}
	}
	if err == nil && report.Failed() {
		err = errNotConforming
	}
	return err
}

// checkConformance makes the checks, in the codec's own process if it has one. Without
// frames the codec makes its own.
func checkConformance(ctx context.Context, suite *sdktest.Suite) (*sdktest.Report, error) {
	if checker, ok := suite.Codec.(plugin.Checker); ok {
		report, err := checker.Conformance(ctx, *suite)
		if err != nil && len(suite.Frames) == 0 {
			return nil, cli.Usagef("%w; name FILES", err)
		}
		return report, err
	}
	if len(suite.Frames) == 0 {
		frames, err := sdktest.Built(suite.Codec)
		if err != nil {
			return nil, cli.Usagef("%w; name FILES", err)
		}
		suite.Frames = frames
	}
	return sdktest.Check(*suite)
}

// loadFrames reads files and folders.
func loadFrames(paths []string) (frames []sdktest.Frame, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			more, err := sdktest.Load(path)
			if err != nil {
				return nil, err
			}
			frames = append(frames, more...)
			continue
		}
		f, err := sdktest.LoadFile(path)
		if err != nil {
			return nil, err
		}
		frames = append(frames, f)
	}
	return frames, nil
}
