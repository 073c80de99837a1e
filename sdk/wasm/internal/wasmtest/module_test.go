package wasmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/internal/envoytest"
)

var module struct {
	sync.Once
	path string
	err  error
}

// modulePath builds the Wasm module with the test protocol, once for a test binary.
func modulePath(t testing.TB) string {
	t.Helper()
	root := envoytest.Root(t)
	module.Do(func() {
		module.path = filepath.Join(root, ".cache", "testlib", "meltemi.wasm")
		cmd := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags", "-s -w",
			"-o", module.path, "./internal/testlib")
		cmd.Dir = filepath.Join(root, "sdk", "wasm")
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			module.err = fmt.Errorf("building the test module: %w\n%s", err, out)
		}
	})
	if module.err != nil {
		t.Fatal(module.err)
	}
	return module.path
}

// wasm is a filter of the test module, with its configuration in JSON. More changes
// Envoy's plugin.
func wasm(t testing.TB, name, config string, more map[string]any) map[string]any {
	t.Helper()
	rest := strings.TrimPrefix(config, "{")
	if rest != "}" {
		rest = "," + rest
	}
	return envoytest.WasmFilter(modulePath(t), `{"filter":"`+name+`"`+rest, more)
}

// inWasm is the probe in a Wasm module.
func inWasm(t testing.TB) envoytest.Probe {
	t.Helper()
	return envoytest.Probe{
		Filter:    func(config string) map[string]any { return wasm(t, "probe", config, nil) },
		Namespace: "wasmcustom",
	}
}

// each runs a test on the oldest and the newest supported Envoy.
func each(t *testing.T, f func(t *testing.T, version string)) {
	t.Helper()
	for _, v := range envoytest.Versions {
		t.Run(v, func(t *testing.T) { f(t, v) })
	}
}
