package cli

import "github.com/spf13/cobra"

// Args makes check's complaint about a command's arguments a usage error.
func Args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return Usagef("%w (see %q)", err, cmd.CommandPath()+" --help")
		}
		return nil
	}
}
