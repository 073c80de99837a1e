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

// mavenBuild keeps tests from building, or looking for, a program in Java more than
// once.
var mavenBuild struct {
	sync.Mutex
	done map[string]bool
}

// mavenProgram builds the program in Java in a folder of this one, unless that is done,
// and returns its class path. The name is that of the result: a program may be built
// with more than one set of properties.
func mavenProgram(tb testing.TB, folder, name string, properties ...string) string {
	tb.Helper()
	source := filepath.Join(machine.Root(tb), "test", "peers", folder)
	target := filepath.Join(machine.Root(tb), ".cache", "java", name)
	mavenBuild.Lock()
	defer mavenBuild.Unlock()
	if !mavenBuild.done[name] {
		buildJava(tb, source, target, properties)
		if mavenBuild.done == nil {
			mavenBuild.done = map[string]bool{}
		}
		mavenBuild.done[name] = true
	}
	return filepath.Join(target, "peer.jar") + string(os.PathListSeparator) + filepath.Join(target, "lib", "*")
}

func buildJava(tb testing.TB, source, target string, properties []string) {
	tb.Helper()
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			tb.Fatalf("%s is not installed; the peers in Java need a JDK and Maven (.ci/install gets them on Debian)", tool)
		}
	}
	if upToDate(source, filepath.Join(target, "peer.jar")) {
		return
	}
	if err := os.RemoveAll(target); err != nil {
		tb.Fatal(err)
	}
	run(tb, 10*time.Minute, "mvn", append([]string{
		"-q", "-B", "-f", filepath.Join(source, "pom.xml"), "package", "-Dpeer.directory=" + target,
	}, properties...)...)
}

// upToDate reports whether the result is newer than all of the sources.
func upToDate(source, result string) bool {
	built, err := os.Stat(result)
	if err != nil {
		return false
	}
	err = filepath.WalkDir(source, func(_ string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && !entry.IsDir() && info.ModTime().After(built.ModTime()) {
			return os.ErrExist
		}
		return err
	})
	return err == nil
}
