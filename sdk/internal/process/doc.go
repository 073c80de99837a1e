// Package process holds what all hosts need that a proxy loads into its own process,
// whatever the interface between the two is.
package process
