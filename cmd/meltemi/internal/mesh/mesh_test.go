package mesh

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
)

var update = flag.Bool("update", false, "write the golden files anew and remove those without input")

// knownCodecs stands for the codecs of the library, which this package does not know.
func knownCodecs(config []byte) error {
	for _, known := range []string{`"dubbo"`, `"thrift"`} {
		if strings.Contains(string(config), known) {
			return nil
		}
	}
	return errors.New("no such codec; there are dubbo, thrift")
}

// known stands for a library.
var known = Check{
	Codec: knownCodecs,
	Filter: func(name string, config []byte) error {
		switch {
		case name != "limit":
			return fmt.Errorf("unknown filter %q; this library knows limit", name)
		case strings.Contains(string(config), "oops"):
			return errors.New(`filter limit: configuration: json: unknown field "oops"`)
		}
		return nil
	},
	Route: func(_ string, config []byte) error {
		if strings.Contains(string(config), "oops") {
			return errors.New(`filter limit: configuration: json: unknown field "oops"`)
		}
		return nil
	},
}

// golden runs render on each testdata/<dir>/*.in.yaml and compares the result with the
// file of the same name that ends in suffix.
func golden(t *testing.T, dir, suffix string, render func(t *testing.T, file []byte) string) {
	t.Helper()
	inputs, err := filepath.Glob(filepath.Join("testdata", dir, "*.in.yaml"))
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs in %s: %v", dir, err)
	}
	expected := map[string]bool{}
	for _, input := range inputs {
		output := strings.TrimSuffix(input, ".in.yaml") + suffix
		expected[output] = true
		t.Run(strings.TrimSuffix(filepath.Base(input), ".in.yaml"), func(t *testing.T) {
			file := readFile(t, input)
			got := render(t, file)
			if *update {
				writeFile(t, output, got)
				return
			}
			if want := string(readFile(t, output)); got != want {
				t.Errorf("%s differs; got:\n%s\nwant:\n%s", output, got, want)
			}
		})
	}
	outputs, err := filepath.Glob(filepath.Join("testdata", dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	for _, output := range outputs {
		switch {
		case expected[output]:
		case *update:
			if err := os.Remove(output); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s has no input (run with -update)", output)
		}
	}
}

func TestConfig(t *testing.T) {
	golden(t, "config", ".out.yaml", func(t *testing.T, file []byte) string {
		t.Helper()
		m, err := Parse(file, known)
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.YAML()
		if err != nil {
			t.Fatal(err)
		}
		var warnings strings.Builder
		for _, w := range m.Warnings() {
			warnings.WriteString("# warning: " + w.String() + "\n")
		}
		return warnings.String() + string(out)
	})
}

func TestErrors(t *testing.T) {
	golden(t, "errors", ".out.txt", func(t *testing.T, file []byte) string {
		t.Helper()
		_, err := Parse(file, known)
		if err == nil {
			t.Fatal("the file was accepted")
		}
		return err.Error() + "\n"
	})
}

// TestConfigIsEnvoys reads each printed configuration back through Envoy's type.
func TestConfigIsEnvoys(t *testing.T) {
	inputs, err := filepath.Glob("testdata/config/*.in.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	for _, input := range inputs {
		m, err := Parse(readFile(t, input), known)
		if err != nil {
			t.Fatal(err)
		}
		bootstrap, err := read(m.static(), &bootstrapv3.Bootstrap{})
		if err != nil {
			t.Fatalf("%s: %v", input, err)
		}
		if err := bootstrap.ValidateAll(); err != nil {
			t.Errorf("%s: %v", input, err)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (golden files are written by -update)", err)
	}
	return file
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
