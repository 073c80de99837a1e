package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// patience is how long anything may take on a busy machine.
const patience = time.Minute

// serveCall unpacks an image and runs its entry point in the folder as its root, with the
// environment that the image has and no other. A call of Dubbo goes through it.
func serveCall(t *testing.T, image v1.Image) {
	t.Helper()
	dir := unpackImage(t, image)
	meltemi := filepath.Join(binaries(t), "linux_amd64", commandFile)

	server := serveDubbo(t, meltemi)
	mesh := filepath.Join(t.TempDir(), "mesh.yaml")
	text := fmt.Sprintf(`listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: dubbo
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: one}}]}]}
clusters:
- {name: one, codec: dubbo, endpoints: ["%s"]}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
`, server)
	if err := os.WriteFile(mesh, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bootstrap, err := exec.Command(meltemi, "config", mesh).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bootstrap.yaml"), bootstrap, 0o600); err != nil {
		t.Fatal(err)
	}

	config := configOf(t, image).Config
	var log bytes.Buffer
	envoy := exec.Command(config.Entrypoint[0], "-c", "/bootstrap.yaml", "--disable-hot-restart", "--concurrency", "1", "--admin-address-path", "/admin")
	envoy.Dir, envoy.Env, envoy.Stdout, envoy.Stderr = "/", config.Env, &log, &log
	envoy.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Pdeathsig: syscall.SIGKILL}
	if err := envoy.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = envoy.Wait()
	}()
	t.Cleanup(func() {
		_ = envoy.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("Envoy's log:\n%s", log.String())
		}
	})

	address := listener(t, filepath.Join(dir, "admin"), ended)
	out, err := exec.Command(meltemi, "call", "dubbo", address, "demo.Greeter.hello", "--timeout", "30s").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "from the tests") {
		t.Errorf("the call: %v\n%s", err, out)
	}
	// Linux names the file by its path, of which the process knows the end alone.
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", envoy.Process.Pid))
	if err != nil || !strings.Contains(string(maps), dir+libraryFolder+"/"+libraryFile+"\n") {
		t.Errorf("Envoy has not loaded the image's library: %v\n%s", err, maps)
	}
}

// serveDubbo starts a server of Dubbo and returns its address.
func serveDubbo(t *testing.T, meltemi string) string {
	t.Helper()
	server := exec.Command(meltemi, "serve", "dubbo", "127.0.0.1:0", "--name", "from the tests")
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready ") {
		t.Fatalf("the server says %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, output) }()
	return strings.TrimSpace(strings.TrimPrefix(line, "ready "))
}

var rpcListener = regexp.MustCompile(`rpc::(\S+)`)

// listener waits for an Envoy, whose admin interface writes its address into a file, and
// returns the address of its listener.
func listener(t *testing.T, adminFile string, ended <-chan struct{}) string {
	t.Helper()
	pages := http.Client{Timeout: 10 * time.Second}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatal("Envoy ended")
		default:
		}
		admin, err := os.ReadFile(adminFile)
		if err != nil || len(admin) == 0 {
			continue
		}
		answer, err := pages.Get("http://" + strings.TrimSpace(string(admin)) + "/listeners")
		if err != nil {
			continue
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if found := rpcListener.FindSubmatch(text); err == nil && found != nil {
			return string(found[1])
		}
	}
	t.Fatalf("Envoy has no listener after %v", patience)
	return ""
}
