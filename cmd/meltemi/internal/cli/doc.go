// Package cli holds what all commands of meltemi share: the exit codes, the errors
// that carry them, and colours.
package cli
