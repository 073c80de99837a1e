package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/controlplane/migrate"
	"github.com/meltemi-mesh/meltemi/sdk"
)

const migrateLong = `Turn the configuration of Aeraki Mesh into that of Meltemi and Istio.

The manifests hold MetaRouters, ApplicationProtocols, DubboAuthorizationPolicies,
RedisServices, RedisDestinations, and what they are about: Services, ServiceEntries,
WorkloadEntries, Gateways, DestinationRules, Secrets with the passwords of Redis, and the
VirtualServices of services with a port tcp-dubbo or tcp-thrift. Take them out of the
cluster, where Aeraki has written addresses into ServiceEntries.

New and changed manifests go to the standard output, or into the folder of --output, in
the order of the input; what needs no change is left out. The standard error has a line
for each thing that did not become the same, with file, document and field: dropped
(nothing does it any more), changed (something does it in another way), to do (somebody
has to do something).

Exit codes: 0 good, 1 a manifest is wrong (the others are migrated), 2 usage.`

const migrateExample = `  kubectl get services,serviceentries,workloadentries,gateways.networking.istio.io,virtualservices,destinationrules -A -o yaml >all.yaml
  kubectl get metarouters,applicationprotocols,dubboauthorizationpolicies,redisservices,redisdestinations -A -o yaml >aeraki.yaml
  meltemi migrate -f all.yaml -f aeraki.yaml >meltemi.yaml

  # a folder of manifests, each file for itself
  meltemi migrate -f manifests/ -o migrated/`

func newMigrateCmd(codecs []sdk.Definition) *cobra.Command {
	var (
		files  []string
		folder string
		input  migrate.Input
	)
	options := migrate.Options{Codecs: codecNames(codecs)}
	cmd := &cobra.Command{
		Use:               "migrate -f FILE",
		Short:             "Turn the configuration of Aeraki into Meltemi's and Istio's",
		Long:              migrateLong,
		Example:           migrateExample,
		Args:              cli.Args(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			bad := readAll(&input, cmd, files)
			if cli.CodeOf(bad) == cli.Usage {
				return bad
			}
			result, err := migrate.Migrate(&input, options)
			style := cli.StyleFor(cmd.ErrOrStderr())
			for _, n := range result.Notes {
				_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s, document %d: %s: %s: %s\n", n.File, n.Document, n.Field, style.Warn(string(n.Effect)), n.Text)
			}
			if folder == "" {
				return errors.Join(bad, err, printMigrated(cmd.OutOrStdout(), result.Manifests))
			}
			return errors.Join(bad, err, writeMigrated(folder, result.Manifests))
		},
	}
	addFiles(cmd, &files)
	flags := cmd.Flags()
	flags.StringVarP(&folder, "output", "o", "", "the `FOLDER` for the new manifests, in files that are called as those of the input")
	cmd.MarkFlagDirname("output") //nolint:errcheck,gosec // fails for an unknown flag only
	flags.StringVarP(&input.Namespace, "namespace", "n", "default", "the `NAMESPACE` of resources that say none")
	flags.StringVar(&options.RootNamespace, "root-namespace", "istio-system", "Istio's root `NAMESPACE`, where EnvoyFilters for all clients are")
	flags.StringVar(&options.ClusterDomain, "cluster-domain", "cluster.local", "the `DOMAIN` of services")
	return cmd
}

func printMigrated(w io.Writer, manifests []migrate.Manifest) error {
	for _, m := range manifests {
		if _, err := fmt.Fprintf(w, "---\n%s", m.Text); err != nil {
			return err
		}
	}
	return nil
}

// writeMigrated writes a file for each file of the input that something follows from.
func writeMigrated(folder string, manifests []migrate.Manifest) error {
	var order []string
	from, texts := map[string]string{}, map[string][]byte{}
	for _, m := range manifests {
		name := filepath.Base(m.File)
		if filepath.Ext(name) == "" {
			name = "migrated.yaml" // of the standard input
		}
		if before, taken := from[name]; taken && before != m.File {
			return cli.Usagef("--output: %s and %s would be one file: migrate them one after the other", before, m.File)
		} else if !taken {
			order = append(order, name)
		}
		from[name] = m.File
		texts[name] = append(append(texts[name], "---\n"...), m.Text...)
	}
	for _, name := range order {
		if path := filepath.Join(folder, name); isSameFile(path, from[name]) {
			return cli.Usagef("--output: %s is a file of the input", path)
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // as people make folders
		return err
	}
	for _, name := range order {
		// There may be passwords of Redis in it.
		if err := os.WriteFile(filepath.Join(folder, name), texts[name], 0o600); err != nil {
			return err
		}
	}
	return nil
}

// isSameFile tells whether two paths lead to one file, however they are spelled.
func isSameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
