package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
	"github.com/meltemi-mesh/meltemi/sdk"
)

const configLong = `Print what a mesh file means to Envoy: a complete bootstrap with static resources.

Each value that the file does not have has the comment "# meltemi" (in YAML). The
output can be given to Envoy as it is, with the folder of libmeltemi.so in
ENVOY_DYNAMIC_MODULES_SEARCH_PATH. "meltemi run" serves Envoy the same listeners, routes
and clusters, so that it can change them later, and opens an admin interface.`

const configExample = `  meltemi config mesh.yaml
  meltemi config mesh.yaml -o json | jq .static_resources.clusters
  meltemi config mesh.yaml > envoy.yaml
  ENVOY_DYNAMIC_MODULES_SEARCH_PATH=bin envoy -c envoy.yaml`

func newConfigCmd(codecs []sdk.Definition) *cobra.Command {
	var output string
	var flags libraryFlag
	cmd := &cobra.Command{
		Use:               "config FILE",
		Short:             "Print Envoy's configuration for a mesh file",
		Long:              configLong,
		Example:           configExample,
		Args:              cli.Args(cobra.ExactArgs(1)),
		ValidArgsFunction: completeMeshFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "yaml" && output != "json" {
				return cli.Usagef("-o %q: want yaml or json", output)
			}
			_, check, err := findLibrary(flags.library, codecs)
			if err != nil {
				return err
			}
			m, err := readMesh(args[0], check)
			if err != nil {
				return err
			}
			warn(cmd.ErrOrStderr(), args[0], m)
			render := m.YAML
			if output == "json" {
				render = m.JSON
			}
			text, err := render()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "yaml", "yaml or json")
	completeFlag(cmd, "output", "yaml", "json")
	flags.add(cmd)
	return cmd
}

// readMesh reads a mesh file. Each line of its error names the file.
func readMesh(path string, check mesh.Check) (*mesh.Mesh, error) {
	file, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil {
		return nil, cli.Usagef("%w", err)
	}
	m, err := mesh.Parse(file, check)
	if invalid, ok := errors.AsType[*mesh.InvalidError](err); ok {
		return nil, fmt.Errorf("%s: %s\n%w", path, count(len(invalid.Problems)), err)
	}
	return m, err
}

func count(problems int) string {
	if problems == 1 {
		return "1 error"
	}
	return fmt.Sprintf("%d errors", problems)
}

// warn tells what looks wrong in a mesh.
func warn(w io.Writer, path string, m *mesh.Mesh) {
	style := cli.StyleFor(w)
	for _, warning := range m.Warnings() {
		fmt.Fprintf(w, "%s %s: %s\n", style.Warn("warning"), path, warning) //nolint:errcheck // nobody is left to tell
	}
}

// completeMeshFile completes the one argument to YAML files.
func completeMeshFile(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []cobra.Completion{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
}
