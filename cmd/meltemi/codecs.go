package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/codecs/brpc"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/codecs/thrift"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// builtinCodecs are the codecs that this binary carries.
func builtinCodecs() []sdk.Definition {
	return []sdk.Definition{
		brpc.Definition(),
		dubbo.Definition(),
		thrift.Definition(),
	}
}

// makeCodec makes the codec with that name from its configuration, a JSON object, or
// nothing if config is empty. An error is one of usage.
func makeCodec(codecs []sdk.Definition, name, config string) (sdk.Codec, error) {
	i := slices.IndexFunc(codecs, func(d sdk.Definition) bool { return d.Name == name })
	if i < 0 {
		return nil, cli.Usagef("no codec %q: there are %s", name, strings.Join(codecNames(codecs), ", "))
	}
	var raw []byte
	if config != "" {
		raw = []byte(config)
	}
	codec, err := codecs[i].New(raw)
	if err != nil {
		return nil, cli.Usagef("codec %s: %w", name, err)
	}
	return codec, nil
}

func codecNames(codecs []sdk.Definition) []string {
	names := make([]string, 0, len(codecs))
	for _, d := range codecs {
		names = append(names, d.Name)
	}
	return names
}

// describeCodecs lists the codecs for a help text.
func describeCodecs(codecs []sdk.Definition) string {
	var b strings.Builder
	b.WriteString("Codecs:\n")
	for _, d := range codecs {
		fmt.Fprintf(&b, "  %-10s %s\n", d.Name, d.Summary)
	}
	return strings.TrimRight(b.String(), "\n")
}

// outputFlag adds -o with its completion.
func outputFlag(cmd *cobra.Command, format *string, usage string) {
	cmd.Flags().StringVarP(format, "output", "o", "text", usage)
	complete := cobra.FixedCompletions([]cobra.Completion{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // a defect: the flag was added above
	}
}

// checkOutput checks the value of -o.
func checkOutput(format string) error {
	if format != "text" && format != "json" {
		return cli.Usagef("--output: no format %q: there are text, json", format)
	}
	return nil
}

// completeCodec completes the first argument of a command that takes a codec. With
// files, later arguments complete to file names.
func completeCodec(codecs []sdk.Definition, files bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			if files {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list := make([]cobra.Completion, 0, len(codecs))
		for _, d := range codecs {
			list = append(list, cobra.CompletionWithDesc(d.Name, d.Summary))
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}
