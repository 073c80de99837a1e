package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/envoy-build/envoybin"
)

// Set by the linker: version always (see the Makefile), revision in releases
// (envoy-build/compile.sh), which do without what the go command records of a checkout.
var (
	version  = "unknown"
	revision = ""
)

// abiVersion is the version of Envoy's dynamic module interface that the shared
// library is built for (abi.h, ENVOY_DYNAMIC_MODULES_ABI_VERSION).
const abiVersion = "v0.1.0"

// versionInfo is the answer of the version command; its JSON is for programs.
type versionInfo struct {
	Version string   `json:"version"`
	Commit  string   `json:"commit"`
	Go      string   `json:"go"`
	ABI     string   `json:"abi"`
	Envoy   string   `json:"envoy"`
	Codecs  []string `json:"codecs"`
}

func newVersionCmd(codecs []string) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "Print the version, and which Envoys it runs with",
		Example:           "  meltemi version\n  meltemi version -o json | jq -r .version",
		Args:              cli.Args(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info := versionInfo{
				Version: version,
				Commit:  commit(),
				Go:      runtime.Version(),
				ABI:     abiVersion,
				Envoy:   fmt.Sprintf(">= %s", envoybin.Oldest),
				Codecs:  codecs,
			}
			switch output {
			case "text":
				return info.print(cmd.OutOrStdout())
			case "json":
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetEscapeHTML(false)
				encoder.SetIndent("", "  ")
				return encoder.Encode(info)
			default:
				return cli.Usagef("-o %q: want text or json", output)
			}
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	completeFlag(cmd, "output", "text", "json")
	return cmd
}

func (i *versionInfo) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"meltemi", i.Version},
		{"commit", i.Commit},
		{"go", i.Go},
		{"envoy", i.Envoy + ", dynamic modules " + i.ABI},
		{"codecs", strings.Join(i.Codecs, " ")},
	} {
		if _, err := fmt.Fprintf(table, "%s\t%s\n", row[0], row[1]); err != nil {
			return err
		}
	}
	return table.Flush()
}

// commit is that of a release, else what the Go tool recorded of the working tree, "+"
// behind it if the tree had changes.
func commit() string {
	if revision != "" {
		return revision
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	recorded, modified := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			recorded = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+"
		}
	}
	return recorded + modified
}
