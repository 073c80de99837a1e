package cli

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRunEndsInGoodOrder sends a signal in the middle of a call.
func TestRunEndsInGoodOrder(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			p := startProxy(t, envoys[0], mesh("one", serve(t, "dubbo", "--delay", "1s"), ""))
			call := start(t, "call", "dubbo", p.address("rpc"), "demo.Greeter.hello")
			awaitCall(t, p)
			p.signal(signal)
			p.await(0, "stopping: connections have 10s to end; a second signal stops at once")
			if code := call.end(); code != 0 {
				t.Errorf("the open call ends with code %d:\n%s", code, strings.Join(call.output(), "\n"))
			}
			if code := p.end(); code != 0 {
				t.Errorf("run ends with code %d", code)
			}
			gone(t, p)
		})
	}
}

// TestASecondSignalEndsAtOnce, whatever is open.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	p := startProxy(t, envoys[0], mesh("one", serve(t, "dubbo", "--delay", "1m"), ""))
	call := start(t, "call", "dubbo", p.address("rpc"), "demo.Greeter.hello", "--timeout", "1m")
	awaitCall(t, p)
	p.signal(syscall.SIGINT)
	p.await(0, "stopping: ")
	p.signal(syscall.SIGINT)
	if code := p.end(); code != 0 {
		t.Errorf("run ends with code %d", code)
	}
	if code := call.end(); code != 1 {
		t.Errorf("the call ends with code %d", code)
	}
	gone(t, p)
}

// TestNeitherOutlivesTheOther kills one, and then the other must end.
func TestNeitherOutlivesTheOther(t *testing.T) {
	p := startProxy(t, envoys[1], mesh("one", "127.0.0.1:1", ""))
	if err := syscall.Kill(child(t, p.cmd.Process.Pid), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := p.end(); code != 1 {
		t.Errorf("without its Envoy, run ends with code %d", code)
	}
	p.await(0, "meltemi: Envoy was ended by signal 9 (killed)")

	p = startProxy(t, envoys[1], mesh("one", "127.0.0.1:1", ""))
	p.signal(syscall.SIGKILL)
	p.end()
	gone(t, p)
}

// TestCallsAreInterrupted by a signal, and say so.
func TestCallsAreInterrupted(t *testing.T) {
	address := serve(t, "dubbo", "--delay", "1m")
	for want, args := range map[string][]string{
		"meltemi: interrupted before an answer came": nil,
		"meltemi: 1 of 1 calls failed":               {"-n", "9"},
	} {
		call := start(t, append([]string{"call", "dubbo", address, "demo.Greeter.hello", "--timeout", "1m"}, args...)...)
		time.Sleep(500 * time.Millisecond) // it waits for the answer
		call.signal(syscall.SIGINT)
		if code := call.end(); code != 1 {
			t.Errorf("code %d", code)
		}
		call.await(0, want)
	}
}

// awaitCall waits until a call is open in the proxy.
func awaitCall(t *testing.T, p *proxy) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(get(t, p, "/stats?filter=meltemi_open_calls"), "open_calls: 1"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no call is open")
		}
	}
}

// gone expects that the proxy's Envoy has ended: nobody listens any more.
func gone(t *testing.T, p *proxy) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", p.address("admin"), time.Second)
		if err != nil {
			return
		}
		_ = c.Close()
		if time.Now().After(deadline) {
			t.Fatal("its Envoy goes on")
		}
	}
}

// child returns the process that a process has started.
func child(t *testing.T, pid int) int {
	t.Helper()
	lists, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		if fields := strings.Fields(string(text)); len(fields) == 1 {
			child, err := strconv.Atoi(fields[0])
			if err != nil {
				t.Fatal(err)
			}
			return child
		}
	}
	t.Fatalf("process %d has not one child", pid)
	return 0
}
