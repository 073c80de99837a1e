package peers

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/machine"
)

// Program is a peer that is a program of its own with this command line:
//
//	serve PORT SETTINGS
//	call PORT WHAT THREADS TIMEOUT_MS SETTINGS [ARG ...]
//
// A server prints READY when it listens and serves until its standard input ends. A
// client prints "= " and a line for each result, and DONE at its end.
type Program struct {
	Library *Library
	// Settings are what client and server speak, as one word.
	Settings string
}

// Library is what a Program is written with.
type Library struct {
	Name string
	// Command builds or finds the program and returns how its command line begins.
	Command func(tb testing.TB) []string
}

// String names the peer.
func (p Program) String() string { return p.Library.Name + " " + p.Settings }

// Build builds the peer's program, as its first use does, which may take a network.
func (p Program) Build(tb testing.TB) {
	tb.Helper()
	p.Library.Command(tb)
}

// StartServer implements Peer.
func (p Program) StartServer(tb testing.TB, port string) *Server {
	tb.Helper()
	s := &Server{p.begin(tb, "serve", port, p.Settings), port}
	s.await("READY", time.Minute)
	return s
}

// StartClient implements Peer.
func (p Program) StartClient(tb testing.TB, port, what string, threads int, timeout time.Duration, args ...string) *Client {
	tb.Helper()
	return &Client{p.begin(tb, append([]string{
		"call", port, what, strconv.Itoa(threads), strconv.FormatInt(timeout.Milliseconds(), 10), p.Settings,
	}, args...)...)}
}

func (p Program) begin(tb testing.TB, args ...string) *process {
	tb.Helper()
	command := p.Library.Command(tb)
	return begin(tb, exec.Command(command[0], append(command[1:len(command):len(command)], args...)...))
}

// goBuild keeps tests from building a program in Go more than once.
var goBuild struct {
	sync.Mutex
	binaries map[string]string
}

// goProgram builds the program in a folder of this one, which is a module of its own,
// and returns its file.
func goProgram(tb testing.TB, folder string) string {
	tb.Helper()
	goBuild.Lock()
	defer goBuild.Unlock()
	if binary, ok := goBuild.binaries[folder]; ok {
		return binary
	}
	dir := machine.Root(tb)
	binary := filepath.Join(dir, ".cache", folder)
	run(tb, 10*time.Minute, "go", "-C", filepath.Join(dir, "test", "peers", folder), "build", "-buildvcs=false", "-o", binary, ".")
	if goBuild.binaries == nil {
		goBuild.binaries = map[string]string{}
	}
	goBuild.binaries[folder] = binary
	return binary
}
