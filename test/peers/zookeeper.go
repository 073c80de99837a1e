package peers

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ZooKeeper is a server of Apache ZooKeeper, in the version that zookeeper/pom.xml names.
type ZooKeeper struct {
	*process
	Port string
}

// StartZooKeeper starts a ZooKeeper, empty, until the test's end.
func StartZooKeeper(tb testing.TB) *ZooKeeper {
	tb.Helper()
	dir, port := tb.TempDir(), freePort(tb)
	config := filepath.Join(dir, "zoo.cfg")
	text := fmt.Sprintf(`
dataDir=%s
clientPortAddress=127.0.0.1
clientPort=%s
admin.enableServer=false
4lw.commands.whitelist=ruok
`, dir, port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	z := &ZooKeeper{begin(tb, zooKeeper(context.Background(), tb, "server.ZooKeeperServerMain", config)), port}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if z.healthy() {
			return z
		}
	}
	tb.Fatalf("ZooKeeper is not ready:\n%s", strings.Join(z.output(), "\n"))
	return nil
}

// healthy asks the server whether it is well.
func (z *ZooKeeper) healthy() bool {
	connection, err := net.DialTimeout("tcp", "127.0.0.1:"+z.Port, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return false
	}
	if _, err := connection.Write([]byte("ruok")); err != nil {
		return false
	}
	answer, err := io.ReadAll(connection)
	return err == nil && string(answer) == "imok"
}

// AskZooKeeper runs a command of ZooKeeper's own command line at HOST:PORT, in a session
// of its own, and returns what it prints.
func AskZooKeeper(tb testing.TB, address string, command ...string) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := zooKeeper(ctx, tb, "ZooKeeperMain", append([]string{"-server", address}, command...)...).CombinedOutput()
	if err != nil {
		tb.Fatalf("ZooKeeper: %s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return string(out)
}

// zooKeeper is a command that runs one of ZooKeeper's classes.
func zooKeeper(ctx context.Context, tb testing.TB, class string, args ...string) *exec.Cmd {
	tb.Helper()
	return exec.CommandContext(ctx, "java", append([]string{
		"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true",
		"-cp", mavenProgram(tb, "zookeeper", "zookeeper"), "org.apache.zookeeper." + class,
	}, args...)...)
}
