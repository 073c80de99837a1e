package peers

import (
	"path/filepath"
	"testing"
	"time"
)

// ThriftPython is Apache Thrift for Python, in the version that
// thriftpython/requirements.txt names. Settings are those of ThriftGo. All of its calls
// have the same sequence id, and its one-way calls say that they are.
var ThriftPython = &Library{Name: "thrift-python", Command: func(tb testing.TB) []string {
	tb.Helper()
	dir := thriftPython.dir(tb)
	return []string{filepath.Join(dir, "venv", "bin", "python"), "-B", filepath.Join(dir, "main.py")}
}}

var thriftPython = &thriftPeer{
	folder:    "thriftpython",
	tools:     []string{"python3"},
	generator: "py",
	build: func(tb testing.TB, dir string) {
		tb.Helper()
		venv := filepath.Join(dir, "venv")
		run(tb, 5*time.Minute, "python3", "-m", "venv", venv)
		run(tb, 5*time.Minute, filepath.Join(venv, "bin", "python"), "-m", "pip", "install", "--quiet",
			"--disable-pip-version-check", "--no-input", "--requirement", filepath.Join(dir, "requirements.txt"))
	},
}
