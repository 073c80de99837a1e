package filters

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/machine"
)

// TestRecordFiles rotates files, takes the folder away and gives it back, and changes the
// configuration under way. Nothing of that depends on the protocol.
func TestRecordFiles(t *testing.T) {
	var r *recording
	onEach(t, protocols[0], "", func(t *testing.T, codec string) (string, string) {
		r = &recording{t, t.TempDir()}
		return r.filter(`max_file_bytes: 65536, keep: 3`), machine.Serve(t, codec)
	}, func(t *testing.T, m *mesh) {
		argument := `"` + strings.Repeat("x", 3000) + `"`
		call := func(n string) {
			t.Helper()
			if out, failed := m.call("get", "-n", n, "--arg", argument); failed {
				t.Fatal(out)
			}
		}
		call("60")
		m.Eventually(recordStats+"recorded_total", "all calls", func(n int) bool { return n == 60 })
		await(t, "the last call", func() bool {
			files := r.files()
			last := r.read(files[len(files)-1])
			return len(files) == 3 && len(last) > 0
		})
		for _, file := range r.files() {
			info, err := os.Stat(file)
			if err != nil || info.Size() > 65536 || info.Mode() != 0o600 {
				t.Errorf("%s: %v, %v", file, info, err)
			}
			if out, code := tool(t, "inspect", file, "-o", "json"); code != 0 {
				t.Errorf("inspect: exit code %d\n%s", code, out)
			}
		}

		// A folder that is gone costs records, not calls.
		if err := os.Rename(r.folder, r.folder+".away"); err != nil {
			t.Fatal(err)
		}
		call("30") // more than the open file takes
		await(t, "the first call that is lost", func() bool {
			call("1")
			return m.Stat(recordStats+"dropped_total.reason.disk") > 0
		})
		if err := os.Rename(r.folder+".away", r.folder); err != nil {
			t.Fatal(err)
		}
		before := r.files()
		await(t, "a file again", func() bool {
			call("1")
			files := r.files()
			return files[len(files)-1] != before[len(before)-1]
		})

		// A listener that is replaced leaves its file, and closes it.
		before = r.files()
		old := before[len(before)-1]
		if !isOpen(t, old) {
			t.Errorf("nobody has %s open", old)
		}
		m.Change(m.file(r.filter(`name: second`)))
		call("1")
		await(t, "a file of the second name", func() bool {
			files, err := filepath.Glob(filepath.Join(r.folder, "second-*.jsonl"))
			return err == nil && len(files) == 1 && len(r.read(files[0])) == 1
		})
		await(t, "the old file to be closed", func() bool { return !isOpen(t, old) })
	})
}

// isOpen tells whether a process has a file open.
func isOpen(t *testing.T, file string) bool {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == file { // others' processes are none of ours
			return true
		}
	}
	return false
}
