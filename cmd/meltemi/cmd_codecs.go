package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

const codecsLong = `List the codecs that this program knows, with what each can do; with --lib those that a
shared library carries, read from the file without loading it. As JSON, the JSON Schema
of each codec's configuration is there too.

Capabilities:
  heartbeat-reply   answers heartbeats where they arrive
  heartbeat         can send heartbeats of its own
  go-away           can ask a client to send no more calls
  name-reply        gives replies the name of a method back that a route changed
  sniff             recognises its protocol, so that it can share a port (auto)
  in-order          replies follow the order of requests
  connection-state  remembers what a connection has told
  statuses          has numbers of its own for outcomes
  view              decodes arguments and results for people
  arguments         finds single arguments by their path (the filter arguments)
  build-request     meltemi call
  build-response    meltemi serve`

func newCodecsCmd(codecs []sdk.Definition) *cobra.Command {
	var library, output string
	cmd := &cobra.Command{
		Use:   "codecs",
		Short: "List the codecs, of this program or of a shared library",
		Long:  codecsLong,
		Example: `  meltemi codecs
  meltemi codecs --lib bin/libmeltemi.so
  meltemi codecs -o json | jq '.codecs[] | select(.name == "dubbo").schema'`,
		Args:              cli.Args(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			info, err := describeLibrary(library, codecs)
			if err != nil {
				return err
			}
			if output == "json" {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetEscapeHTML(false)
				encoder.SetIndent("", "  ")
				return encoder.Encode(info)
			}
			return printCodecs(cmd.OutOrStdout(), info)
		},
	}
	cmd.Flags().StringVar(&library, "lib", "", "the shared library to look into, a `FILE`")
	outputFlag(cmd, &output, "`FORMAT` of the output: text, or json")
	return cmd
}

// describeLibrary describes the library at path, or what this program carries.
func describeLibrary(path string, codecs []sdk.Definition) (*moduleinfo.Info, error) {
	if path == "" {
		return moduleinfo.Describe(codecs, builtinFilters())
	}
	info, err := moduleinfo.Read(path)
	if err != nil {
		return nil, cli.Usagef("--lib: %w", err)
	}
	return info, nil
}

func printCodecs(out io.Writer, info *moduleinfo.Info) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, "CODEC\tWHAT\tCAPABILITIES"); err != nil {
		return err
	}
	for i := range info.Codecs {
		c := &info.Codecs[i]
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", c.Name, c.Summary, strings.Join(c.Capabilities, " ")); err != nil {
			return err
		}
	}
	return w.Flush()
}
