// Command bench measures what Meltemi costs beside Envoy's own ways to carry the same
// calls: tcp_proxy, the native filter of the protocol, and plain HTTP of the same shape.
// `make bench` runs it; docs/performance.md tells how to read what it prints.
//
// All subjects of a topology run side by side, each with Envoys of its own, and take
// turns in short rounds, so that whatever else the machine does hits each of them.
// What counts is the Envoys' CPU time per call, as the kernel accounts it: client and
// server share the machine, and an absolute time on it proves nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/meltemi-mesh/meltemi/envoy-build/envoybin"
)

type options struct {
	meltemi string
	library string
	envoy   string
	out     string

	rounds   int
	duration time.Duration
	warmUp   time.Duration
	full     bool
	match    *regexp.Regexp
}

func main() {
	if err := command(); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command() error {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		return serve(os.Args[2], os.Stdout, os.Stdin)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, os.Args[1:], os.Stdout)
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	started := time.Now()
	binary, err := envoybin.Find(ctx, o.envoy, ".cache/envoy")
	if err != nil {
		return err
	}
	o.envoy = binary.Path
	if _, err := fmt.Fprintf(out, "Envoy %v, one worker in each; %d rounds of %v\n", binary.Version, o.rounds, o.duration); err != nil {
		return err
	}
	var results []result
	for _, t := range topologies(o.full) {
		cells := t.cells(o.full, o.match)
		if len(cells) == 0 {
			continue
		}
		r, err := measure(ctx, &o, t, cells, out)
		if err != nil {
			return fmt.Errorf("%v: %w", t, err)
		}
		results = append(results, r...)
	}
	if len(results) == 0 {
		return errors.New("nothing matches -match")
	}
	rows := rowsOf(results, binary.Version.String())
	printTable(out, rows)
	if err := writeFiles(o.out, rows); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%d rows in %s and %s, in %v\n", len(rows), filepath.Join(o.out, "latest.json"),
		filepath.Join(o.out, "latest.svg"), time.Since(started).Round(time.Second))
	return err
}

func parse(args []string) (options, error) {
	var o options
	var match string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.meltemi, "meltemi", "bin/meltemi", "the `command` that makes Envoy's configuration")
	flags.StringVar(&o.library, "library", ".cache/bench/libmeltemi.so", "the shared library to measure, with the filter of test/bench/empty")
	flags.StringVar(&o.envoy, "envoy", "", "the Envoy to run, the same for each subject (by default $"+envoybin.Variable+", or what make envoy fetched)")
	flags.StringVar(&o.out, "out", "bench", "the `folder` for latest.json and latest.svg")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds that each subject gets in each cell; results are medians")
	flags.DurationVar(&o.duration, "duration", 700*time.Millisecond, "how long a round measures")
	flags.DurationVar(&o.warmUp, "warm-up", 250*time.Millisecond, "load before a round measures")
	flags.BoolVar(&o.full, "full", false, "measure each combination instead of the telling ones (hours)")
	flags.StringVar(&match, "match", "", "measure the cells whose name matches, such as '^dubbo/one/4x16/'")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.rounds < 1 || o.duration <= 0 || o.warmUp < 0 {
		return o, errors.New("rounds and duration must be positive")
	}
	var err error
	if o.match, err = regexp.Compile(match); err != nil {
		return o, fmt.Errorf("-match: %w", err)
	}
	for _, file := range []*string{&o.meltemi, &o.library} {
		if *file, err = filepath.Abs(*file); err != nil {
			return o, err
		}
		info, err := os.Stat(*file)
		if err != nil {
			return o, fmt.Errorf("%w (make build makes it)", err)
		}
		if info.IsDir() {
			return o, fmt.Errorf("%s is a folder, want a file", *file)
		}
	}
	return o, nil
}
