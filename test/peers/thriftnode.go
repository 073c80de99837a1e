package peers

import (
	"path/filepath"
	"testing"
	"time"
)

// ThriftNode is Apache Thrift for Node.js, in the version that thriftnode/package.json
// names. Settings are those of ThriftGo without theader. All calls of a client are on
// one connection, as many at a time as there are threads, and answers may come in any
// order. Its one-way calls say that they are.
var ThriftNode = &Library{Name: "thrift-node", Command: func(tb testing.TB) []string {
	tb.Helper()
	return []string{"node", filepath.Join(thriftNode.dir(tb), "main.js")}
}}

// The newest uuid, which thrift would take, needs a newer Node.js than Debian 12 has; so
// package.json names another one. The lock file has hashes, and no place to fetch from.
var thriftNode = &thriftPeer{
	folder:    "thriftnode",
	tools:     []string{"node", "npm"},
	generator: "js:node,es6",
	code:      "gen",
	build: func(tb testing.TB, dir string) {
		tb.Helper()
		run(tb, 5*time.Minute, "npm", "ci", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund")
	},
}
