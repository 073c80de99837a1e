package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
	"github.com/meltemi-mesh/meltemi/sdk"
)

const translateLong = `Print what the controller would write for the bindings and policies in manifests:
Istio's EnvoyFilters, in YAML, on the standard output. What became of each binding and
policy is told on the standard error.

The manifests hold CodecBindings and RateLimitPolicies, and what they are about: Services,
ServiceEntries, Gateways; EndpointSlices, WorkloadEntries and Pods too, where proxies of
servers matter (upstream: auto) and where a targetPort is a name. Other kinds are left alone.

Exit codes: 0 all is accepted, 1 something is not, or a manifest is wrong (then nothing is
printed: a part would look like all), 2 usage.`

const translateExample = `  # before they are applied
  meltemi translate -f manifests/

  # what a cluster has
  kubectl get codecbindings,ratelimitpolicies,services,serviceentries,workloadentries,gateways.networking.istio.io,pods,endpointslices -A -o yaml | meltemi translate -f -`

func newTranslateCmd(codecs []sdk.Definition) *cobra.Command {
	var (
		flags  manifestFlags
		module string
	)
	cmd := &cobra.Command{
		Use:     "translate -f FILE",
		Short:   "Print what Istio is told for bindings and policies",
		Long:    translateLong,
		Example: translateExample,
		Args:    cli.Args(cobra.NoArgs),

		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := flags.read(cmd, codecs)
			if err != nil {
				return err
			}
			warnUnknown(cmd.ErrOrStderr(), r)
			warnReplaced(cmd.ErrOrStderr(), r)
			mesh, verdicts := translate.Translate(r.Resources(), flags.options)
			filters, err := render.EnvoyFilters(mesh, render.Options{Library: module, ProxiesHaveLibrary: flags.options.ProxiesHaveLibrary})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, f := range filters {
				text, err := yaml.Marshal(f)
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintf(out, "---\n%s", text); err != nil {
					return err
				}
			}
			return printVerdicts(cmd.ErrOrStderr(), verdicts)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&module, "module", "meltemi", "how proxies find the library: the `NAME` of lib<NAME>.so in their search path, or an absolute path")
	return cmd
}

// printVerdicts tells what became of each binding and policy. The error counts those that
// are not accepted.
func printVerdicts(w io.Writer, verdicts map[translate.Key]*translate.Verdict) error {
	style, refused := cli.StyleFor(w), 0
	keys := slices.SortedFunc(maps.Keys(verdicts), func(a, b translate.Key) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, k := range keys {
		v := verdicts[k]
		verdict := style.Good(v.Reason)
		if !v.Accepted() {
			refused++
			verdict = style.Bad(v.Reason)
		}
		_, _ = fmt.Fprintf(w, "%s %s/%s: %s\n", k.Kind, k.Namespace, k.Name, verdict)
		for _, t := range v.Targets {
			if t.Message != "" || t.Upstream != "" {
				_, _ = fmt.Fprintf(w, "  %s %s: %s\n", t.Kind, t.Name, cmp.Or(t.Message, string(t.Upstream)))
			}
		}
		if v.Message != "" && !slices.ContainsFunc(v.Targets, func(t v1alpha1.TargetStatus) bool { return t.Message != "" }) {
			_, _ = fmt.Fprintf(w, "  %s\n", v.Message)
		}
		if v.ProxiesMessage != "" {
			_, _ = fmt.Fprintf(w, "  proxies: %s\n", v.ProxiesMessage)
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d are not accepted", refused, len(keys))
	}
	return nil
}
