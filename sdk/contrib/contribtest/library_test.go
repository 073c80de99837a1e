package contribtest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestTheLibrary loads the library that `make contrib` makes.
func TestTheLibrary(t *testing.T) {
	h := startWith(t, made(t, "libmeltemi-contrib.so"))
	h.must(h.ask("config stats %s", text(t, `{"codec":{"name":"dubbo"}}`)))
	for _, codec := range []string{"brpc", "dubbo", "thrift"} {
		h.must(h.ask("network-config %s", text(t, `{"codec":{"name":"`+codec+`"},"http2":"127.0.0.1:15080"}`)))
	}
	if want := "2 workers, GOMAXPROCS"; !h.err.holds(want) {
		t.Errorf("the log lacks %q:\n%s", want, h.err)
	}
}

// made is what `make contrib` makes.
func made(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v (make contrib makes it)", err)
	}
	return path
}

// TestProtocols calls the server of the command line in each protocol, through both edges
// in one filter, and through a filter for each with HTTP/2 between.
func TestProtocols(t *testing.T) {
	h := startTCPWith(t, made(t, "libmeltemi-contrib.so"))
	for codec, service := range map[string]string{"brpc": "shop.Orders", "dubbo": "shop.Orders", "thrift": "Orders"} {
		server := serve(t, codec)
		config := `{"codec":{"name":"` + codec + `"},`
		last := h.listen(t, config+`"server":"`+server+`"}`)
		for way, port := range map[string]int{
			"forward":  h.listen(t, config+`"forward":"`+server+`"}`),
			"loopback": h.listen(t, config+`"http2":`+local(last)+`}`),
		} {
			call := exec.Command(made(t, "meltemi"), "call", codec, strings.Trim(local(port), `"`), service+".get", "-n", "30", "--concurrency", "3")
			if out, err := call.CombinedOutput(); err != nil || !strings.Contains(string(out), "30") {
				t.Errorf("%s, %s: %v\n%s%s", codec, way, err, out, h.err)
			}
		}
	}
}

// serve starts a server that answers everything, and returns its address.
func serve(t *testing.T, codec string) string {
	t.Helper()
	cmd := exec.Command(made(t, "meltemi"), "serve", codec, "127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
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
	t.Fatal("the server ended before it was ready")
	return ""
}
