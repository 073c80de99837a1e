package peers

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// ThriftJava is Apache Thrift for Java, in the version that thriftjava/pom.xml names.
// Settings are those of ThriftGo without theader. Framed servers are of the kind that
// selects, and buffered ones have a thread for each connection. Its one-way calls say
// that they are.
var ThriftJava = &Library{Name: "thrift-java", Command: func(tb testing.TB) []string {
	tb.Helper()
	target := filepath.Join(thriftJava.dir(tb), "target")
	return []string{
		"java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true",
		"-cp", filepath.Join(target, "peer.jar") + string(os.PathListSeparator) + filepath.Join(target, "lib", "*"),
		"dev.meltemi.peer.thrift.Main",
	}
}}

var thriftJava = &thriftPeer{
	folder:    "thriftjava",
	tools:     []string{"java", "mvn"},
	generator: "java:generated_annotations=suppress",
	code:      "gen",
	build: func(tb testing.TB, dir string) {
		tb.Helper()
		run(tb, 10*time.Minute, "mvn", "-q", "-B", "-f", filepath.Join(dir, "pom.xml"), "package")
	},
}
