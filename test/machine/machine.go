// Package machine has what tests of several kinds need of the machine: the repository, ports,
// and servers of the built command line.
package machine

import (
	"bufio"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Root is the root of the repository.
func Root(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "envoy-build")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal("the repository's root is not above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// FreePort returns a port of 127.0.0.1 that nobody listens at just now. It is below those
// that systems give to whoever asks for any (32768 and up on Linux), so it is still free
// when a server comes that takes long to start, or comes again.
func FreePort(tb testing.TB) int {
	tb.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			tb.Fatal(err)
		}
		return port
	}
	tb.Fatal("no port is free between 10000 and 30000")
	return 0
}

// Serve starts `meltemi serve` of the built command line on 127.0.0.1, until the test's
// end, and returns its address.
func Serve(tb testing.TB, codec string, flags ...string) string {
	tb.Helper()
	meltemi := filepath.Join(Root(tb), "bin", "meltemi")
	cmd := exec.Command(meltemi, append([]string{"serve", codec, "127.0.0.1:0"}, flags...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			go func() {
				for lines.Scan() { // what follows is nobody's, but must not fill the pipe
					continue
				}
			}()
			return address
		}
	}
	tb.Fatalf("the server ended before it was ready: %v", lines.Err())
	return ""
}
