package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/controlplane/lint"
	"github.com/meltemi-mesh/meltemi/sdk"
)

const lintLong = `Tell why a rule in manifests would not apply: a binding that is not accepted, a route or
policy that waits for a path or header that no codec ever shows, a subset that nobody has
declared, a route behind one that takes all calls.

It asks no cluster, and knows what the manifests hold: CodecBindings, RateLimitPolicies,
Services, ServiceEntries, Gateways, VirtualServices, DestinationRules and
AuthorizationPolicies; with EndpointSlices, WorkloadEntries and Pods also what proxies are
like. What is about ports without a binding is left alone.

Each finding has a code, which is stable, and is an error (the rule never applies, or not
as it says) or a warning.

Exit codes: 0 no errors, 1 errors, 2 usage.`

const lintExample = `  meltemi lint -f manifests/

  # what a cluster has
  kubectl get codecbindings,ratelimitpolicies,services,serviceentries,workloadentries,gateways.networking.istio.io,virtualservices,destinationrules,authorizationpolicies,pods,endpointslices -A -o yaml | meltemi lint -f -

  meltemi lint -f manifests/ -o json | jq '.findings[] | select(.code == "subset-missing")'`

func newLintCmd(codecs []sdk.Definition) *cobra.Command {
	var (
		flags  manifestFlags
		output string
	)
	cmd := &cobra.Command{
		Use:               "lint -f FILE",
		Short:             "Tell why rules in manifests would not apply",
		Long:              lintLong,
		Example:           lintExample,
		Args:              cli.Args(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			r, bad := flags.read(cmd, codecs)
			if r == nil || cli.CodeOf(bad) == cli.Usage {
				return bad
			}
			warnReplaced(cmd.ErrOrStderr(), r)
			findings := lint.Lint(r, flags.options)
			if output == "json" {
				return errors.Join(bad, printFindingsJSON(cmd.OutOrStdout(), findings))
			}
			return errors.Join(bad, printFindings(cmd.OutOrStdout(), findings))
		},
	}
	flags.add(cmd)
	outputFlag(cmd, &output, "`FORMAT` of the findings: text or json")
	return cmd
}

func printFindings(w io.Writer, findings []lint.Finding) error {
	style := cli.StyleFor(w)
	for i := range findings {
		f := &findings[i]
		severity := style.Warn(string(f.Severity))
		if f.Severity == lint.Error {
			severity = style.Bad(string(f.Severity))
		}
		if _, err := fmt.Fprintf(w, "%s, document %d: %s %s/%s\n  %s %s %s\n  %s\n  %s\n",
			f.File, f.Document, f.Kind, f.Namespace, f.Name, severity, f.Code, style.Faint(f.Field), f.Message, f.Do); err != nil {
			return err
		}
	}
	return lintErrors(findings)
}

func printFindingsJSON(w io.Writer, findings []lint.Finding) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if findings == nil {
		findings = []lint.Finding{} // a list, not null
	}
	if err := encoder.Encode(map[string]any{"findings": findings}); err != nil {
		return err
	}
	return lintErrors(findings)
}

// lintErrors is the error of a run with errors among its findings.
func lintErrors(findings []lint.Finding) error {
	n := 0
	for i := range findings {
		if findings[i].Severity == lint.Error {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d errors, %d warnings", n, len(findings)-n)
	}
	return nil
}
