package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

const filtersLong = `List the layer-7 filters that this program knows; with --lib those that a shared library
carries, read from the file without loading it. As JSON, the JSON Schemas of their
configurations are there too.

A mesh file runs one by its name, and routes can have a configuration of their own for it:
  filters: [{name: NAME, config: {...}}]
  typed_per_filter_config: {NAME: {...}}`

func newFiltersCmd(codecs []sdk.Definition) *cobra.Command {
	var library, output string
	cmd := &cobra.Command{
		Use:   "filters",
		Short: "List the layer-7 filters, of this program or of a shared library",
		Long:  filtersLong,
		Example: `  meltemi filters
  meltemi filters --lib bin/libmeltemi.so
  meltemi filters -o json`,
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
				return encoder.Encode(info.Filters)
			}
			return printFilters(cmd.OutOrStdout(), info)
		},
	}
	cmd.Flags().StringVar(&library, "lib", "", "the shared library to look into, a `FILE`")
	outputFlag(cmd, &output, "`FORMAT` of the output: text, or json")
	return cmd
}

func printFilters(out io.Writer, info *moduleinfo.Info) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, "FILTER\tWHAT\tROUTES"); err != nil {
		return err
	}
	for i := range info.Filters {
		f := &info.Filters[i]
		routes := "-"
		if f.Routes {
			routes = "configure it"
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, f.Summary, routes); err != nil {
			return err
		}
	}
	return w.Flush()
}
