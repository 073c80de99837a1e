// Package abi compares what the library believes of Envoy's C functions with Envoy's own
// sources.
package abi

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The sources of Envoy that the Go module proxy has: the host of 1.39, and the module
// that holds what all extension points share. (There is none of 1.40: for it and for
// each binary, sdk/internal/envoytest compares the symbols.)
var sources = []string{
	"github.com/envoyproxy/envoy@v1.39.1",
	"github.com/envoyproxy/envoy/source/extensions/dynamic_modules@v0.0.0-20260423231439-f1dd21b16c24",
}

// TestDeclarationsAreThoseOfTheHost compares the declaration of each callback that the
// library calls with its definition in Envoy: result, number and types of parameters.
// A compiler cannot, since the two meet when Envoy loads the library.
func TestDeclarationsAreThoseOfTheHost(t *testing.T) {
	defined := definitions(t)
	declared := declarations(t)
	called := callees(t)
	if len(called) < 30 {
		t.Fatalf("the library calls %d callbacks: the test looks at the wrong thing", len(called))
	}
	for _, name := range called {
		switch host, ok := defined[name]; {
		case !ok:
			t.Errorf("%s is not defined in %s", name, strings.Join(sources, " or "))
		case declared[name] != host:
			t.Errorf("%s:\ndeclared %s\n defined %s", name, declared[name], host)
		}
	}
}

var (
	callback  = regexp.MustCompile(`\benvoy_dynamic_module_callback_\w+`)
	comments  = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	function  = regexp.MustCompile(`([\w:*\s]+?[\s*])(envoy_dynamic_module_callback_\w+)\s*\(([^()]*)\)\s*([;{])`)
	lastName  = regexp.MustCompile(`^(.*?[\s*&])\w+$`)
	weak      = regexp.MustCompile(`(envoy_dynamic_module_callback_\w+)\([^()]*\)\s*__attribute__\(\(weak\)\)`)
	unusedTag = regexp.MustCompile(`\[\[maybe_unused\]\]`)
)

// signatures returns result and types of parameters, as in "bool(void*, size_t)", of
// each function that ends with end: a declaration
// with a semicolon, a definition with a brace.
func signatures(text []byte, end string) map[string]string {
	all := map[string]string{}
	for _, m := range function.FindAllSubmatch(unusedTag.ReplaceAll(comments.ReplaceAll(text, nil), nil), -1) {
		if string(m[4]) != end {
			continue
		}
		var types []string
		for parameter := range strings.SplitSeq(string(m[3]), ",") {
			parameter = strings.Join(strings.Fields(parameter), " ")
			if named := lastName.FindStringSubmatch(parameter); named != nil {
				parameter = named[1]
			}
			if parameter = strings.TrimSpace(parameter); parameter != "" && parameter != "void" {
				types = append(types, strings.ReplaceAll(parameter, " *", "*"))
			}
		}
		result := strings.Join(strings.Fields(string(m[1])), " ")
		result = strings.TrimPrefix(result, "extern ")
		all[string(m[2])] = result + "(" + strings.Join(types, ", ") + ")"
	}
	return all
}

// definitions are those of the host.
func definitions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, source := range sources {
		err := filepath.WalkDir(download(t, source), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Base(path) != "abi_impl.cc" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			maps.Copy(all, signatures(text, "{"))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// declarations are those that the library is compiled with.
func declarations(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, file := range boundary(t, "*.h") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(all, signatures(text, ";"))
	}
	return all
}

// callees are the callbacks that the library's C files call. What is weak is looked at
// and never called.
func callees(t *testing.T) []string {
	t.Helper()
	seen := map[string]bool{}
	var all []string
	for _, file := range boundary(t, "*.c") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = comments.ReplaceAll(text, nil)
		for _, m := range weak.FindAllSubmatch(text, -1) {
			seen[string(m[1])] = true
		}
		for _, name := range callback.FindAllString(string(text), -1) {
			if !seen[name] {
				seen[name] = true
				all = append(all, name)
			}
		}
	}
	return all
}

// boundary returns files of sdk/abi.
func boundary(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "sdk", "abi", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s in sdk/abi: %v", pattern, err)
	}
	return files
}

// download returns the folder of a module's sources.
func download(t *testing.T, module string) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir() // no go.mod: nothing is added to ours
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, complaint.String())
	}
	var result struct{ Dir string }
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatal(err)
	}
	return result.Dir
}
