package peers

import "testing"

// ThriftGo is Apache Thrift for Go, in the version that thriftgo/go.mod names. Settings
// are TRANSPORT-PROTOCOL or TRANSPORT-PROTOCOL-mux: framed, buffered or theader, and
// binary or compact. Its one-way calls look like any other.
var ThriftGo = &Library{Name: "thrift-go", Command: func(tb testing.TB) []string {
	tb.Helper()
	return []string{goProgram(tb, "thriftgo")}
}}
