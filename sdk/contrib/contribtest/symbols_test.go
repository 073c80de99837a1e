package contribtest

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// envoyDir is the folder of Envoy's sources.
func envoyDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/envoyproxy/envoy").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func readText(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSymbols compares the library with what Envoy looks up in it, and with what Envoy
// offers to it. Envoy's are found when they are first called, so nothing may be bound
// before.
func TestSymbols(t *testing.T) {
	paths, err := built()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(paths[1])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	var exported, wanted []string
	for _, s := range symbols {
		switch {
		case !strings.HasPrefix(s.Name, "envoyGo"):
		case s.Section == elf.SHN_UNDEF:
			wanted = append(wanted, s.Name)
		default:
			exported = append(exported, s.Name)
		}
	}
	common := filepath.Join(envoyDir(t), "contrib", "golang", "common")
	lookups := readText(t, common, "dso", "dso.cc")
	for _, class := range []string{"HttpFilterDsoImpl", "NetworkFilterDsoImpl"} {
		_, body, _ := strings.Cut(lookups, class+"::"+class+"(")
		body, _, _ = strings.Cut(body, "\n}")
		names := regexp.MustCompile(`"(envoyGo\w+)"`).FindAllStringSubmatch(body, -1)
		if len(names) < 10 {
			t.Errorf("%s looks up %v: the test looks at the wrong thing", class, names)
		}
		for _, name := range names {
			if !slices.Contains(exported, name[1]) {
				t.Errorf("the library lacks %s", name[1])
			}
		}
	}
	offered := readText(t, common, "go", "api", "api.h")
	for _, name := range wanted {
		if !regexp.MustCompile(`\b` + name + `\(`).MatchString(offered) {
			t.Errorf("Envoy has no %s", name)
		}
	}
	if flags, err := f.DynValue(elf.DT_FLAGS); err != nil || len(flags) > 0 && flags[0]&uint64(elf.DF_BIND_NOW) != 0 {
		t.Errorf("flags %v, %v: all is bound at once", flags, err)
	}
}

// TestDeclarations compiles what capi.go declares together with Envoy's own header.
func TestDeclarations(t *testing.T) {
	_, preamble, found := strings.Cut(readText(t, "..", "capi.go"), "/*\n#cgo")
	_, preamble, _ = strings.Cut(preamble, "\n")
	preamble, _, ended := strings.Cut(preamble, "*/")
	if !found || !ended || strings.Count(preamble, "envoyGo") < 9 {
		t.Fatalf("capi.go has another form:\n%s", preamble)
	}
	file := filepath.Join(t.TempDir(), "declarations.c")
	if err := os.WriteFile(file, []byte("#include \"api.h\"\n"+preamble), 0o600); err != nil {
		t.Fatal(err)
	}
	compile := exec.Command("cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
		"-I", filepath.Join(envoyDir(t), "contrib", "golang", "common", "go", "api"), file)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
