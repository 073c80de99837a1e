package peers

import "testing"

// Kitex is Kitex in the version that kitex/go.mod names. Settings are framed-binary,
// buffered-binary, ttheader-binary, or ttheader-binary-mux for many calls at a time on
// one connection. Its one-way calls look like any other.
var Kitex = &Library{Name: "kitex", Command: func(tb testing.TB) []string {
	tb.Helper()
	return []string{goProgram(tb, "kitex")}
}}
