package peers

import "testing"

// BRPCJava is brpc-java, in the version that brpcjava/pom.xml names. Settings are once,
// for clients that try a call once, or default, for those that do what brpc-java does
// by itself: a call that fails, in whatever way, is made again, three times in all.
//
// It tells no one its timeouts, so no server and no proxy knows them.
var BRPCJava = &Library{Name: "brpc-java", Command: func(tb testing.TB) []string {
	tb.Helper()
	return []string{
		"java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", // it starts sooner
		"-Djava.net.preferIPv4Stack=true", "--add-opens", "java.base/java.lang=ALL-UNNAMED",
		"-cp", mavenProgram(tb, "brpcjava", "brpc"), "dev.meltemi.peer.Main",
	}
}}
