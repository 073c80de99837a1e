package envoytest

import (
	"debug/elf"
	"path/filepath"
	"strings"
	"testing"
)

// symbols returns the dynamic symbols of a file by name.
func symbols(t *testing.T, path string) map[string]elf.Symbol {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]elf.Symbol, len(list))
	for _, s := range list {
		all[s.Name] = s
	}
	return all
}

// TestLibraryAndEnvoyFitTogether compares what the library calls with what each
// Envoy offers: a missing callback would end the process when it is first called.
func TestLibraryAndEnvoyFitTogether(t *testing.T) {
	library := symbols(t, filepath.Join(Library(t), "libmeltemi.so"))
	each(t, func(t *testing.T, version string) {
		envoy := symbols(t, Binary(t, version))
		wanted := 0
		for name, s := range library {
			if s.Section != elf.SHN_UNDEF || !strings.HasPrefix(name, "envoy_dynamic_module_callback_") {
				continue
			}
			wanted++
			if _, ok := envoy[name]; !ok && elf.ST_BIND(s.Info) != elf.STB_WEAK {
				t.Errorf("Envoy has no %s", name)
			}
		}
		if wanted < 20 {
			t.Errorf("the library calls %d functions of Envoy: the test looks at the wrong thing", wanted)
		}
	})
}

// TestLibraryExportsEveryHook compares what the library exports with the header that
// it was built from, for the extension points that it implements.
func TestLibraryExportsEveryHook(t *testing.T) {
	library := symbols(t, filepath.Join(Library(t), "libmeltemi.so"))
	hooks := hooksOfHeader(t)
	if len(hooks) < 60 {
		t.Fatalf("the header has %d hooks: the test looks at the wrong thing", len(hooks))
	}
	for _, name := range hooks {
		if s, ok := library[name]; !ok || s.Section == elf.SHN_UNDEF {
			t.Errorf("the library does not export %s", name)
		}
	}
}
