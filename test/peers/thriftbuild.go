package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/machine"
)

// thriftPeer is a program for the service of thrift/peer.thrift that is built in a copy
// of its folder here, with the code that the Thrift compiler makes of the service.
type thriftPeer struct {
	folder string
	// tools are what it takes beside the compiler.
	tools []string
	// generator and code are the compiler's language with its options, and where in the
	// copy its code goes.
	generator, code string
	// build does the rest in the copy; nothing of it is there yet.
	build func(tb testing.TB, dir string)
}

// thriftBuilds keeps tests from building a peer more than once.
var thriftBuilds struct {
	sync.Mutex
	done map[string]bool
}

// dir builds the program, unless what is there is newer than its sources, and returns
// the folder where it is.
func (p *thriftPeer) dir(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(machine.Root(tb), ".cache", "thrift", p.folder)
	thriftBuilds.Lock()
	defer thriftBuilds.Unlock()
	if !thriftBuilds.done[p.folder] {
		p.make(tb, dir)
		if thriftBuilds.done == nil {
			thriftBuilds.done = map[string]bool{}
		}
		thriftBuilds.done[p.folder] = true
	}
	return dir
}

func (p *thriftPeer) make(tb testing.TB, dir string) {
	tb.Helper()
	all := filepath.Join(machine.Root(tb), "test", "peers")
	source, service := filepath.Join(all, p.folder), filepath.Join(all, "thrift", "peer.thrift")
	for _, tool := range append([]string{"thrift"}, p.tools...) {
		if _, err := exec.LookPath(tool); err != nil {
			tb.Fatalf("%s is not installed; the Thrift peer %s needs it (.ci/install gets it on Debian)", tool, p.folder)
		}
	}
	built := filepath.Join(dir, ".built")
	if upToDate(source, built) && upToDate(service, built) {
		return
	}
	code := filepath.Join(dir, p.code)
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	check(os.RemoveAll(dir))
	check(os.CopyFS(dir, os.DirFS(source)))
	check(os.MkdirAll(code, 0o750))
	run(tb, time.Minute, "thrift", "--gen", p.generator, "-out", code, service)
	p.build(tb, dir)
	check(os.WriteFile(built, nil, 0o600))
}
