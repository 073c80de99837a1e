package compose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseAddition(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "rpc", "codec")
	if err := os.MkdirAll(sub, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/ledger\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]Addition{
		"example.com/ledger":                  {Package: "example.com/ledger"},
		"example.com/ledger@v1.2.3":           {Package: "example.com/ledger", Version: "v1.2.3"},
		"example.com/ledger=" + dir:           {Package: "example.com/ledger", Module: "example.com/ledger", Folder: dir},
		"example.com/ledger/rpc=" + dir:       {Package: "example.com/ledger/rpc", Module: "example.com/ledger", Folder: dir},
		"example.com/ledger/rpc/codec=" + sub: {Package: "example.com/ledger/rpc/codec", Module: "example.com/ledger", Folder: dir},
	} {
		if got, err := ParseAddition(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                                "malformed import path",
		"a b":                             "malformed import path",
		"example.com/ledger@":             "no version",
		"example.com/other=" + dir:        "which has no package example.com/other",
		"example.com/ledgers=" + dir:      "which has no package",
		"example.com/ledger=" + dir + "x": "no such file",
		"example.com/ledger=/":            "has a go.mod",
	} {
		if _, err := ParseAddition(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestFindSDK(t *testing.T) {
	here, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := FindSDK("", "", t.TempDir(), here); err != nil || got != here {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := FindSDK(t.TempDir(), here); err == nil || !strings.Contains(err.Error(), "not a checkout") {
		t.Errorf("%v", err)
	}
	if _, err := FindSDK("", t.TempDir()); err == nil || !strings.Contains(err.Error(), "--sdk") {
		t.Errorf("%v", err)
	}
}

func TestNewer(t *testing.T) {
	order := []string{"", "2.2.5", "2.3", "2.14", "2.34", "2.34.1"}
	for i, a := range order {
		for j, b := range order {
			if got := newer(a, b); got != (i > j) && a != "" {
				t.Errorf("newer(%q, %q) is %t", a, b, got)
			}
		}
	}
}

// TestModulesAreReplacedOnce has several packages of a module, and one of Meltemi's own.
func TestModulesAreReplacedOnce(t *testing.T) {
	o := &Options{SDK: "/meltemi", Add: []Addition{
		{Package: "example.com/m/a", Module: "example.com/m", Folder: "/m"},
		{Package: "example.com/m/b", Module: "example.com/m", Folder: "/m"},
		{Package: Module + "/examples/x", Module: Module, Folder: "/meltemi"},
		{Package: "example.com/n", Version: "v1.0.0"},
	}}
	all := files(o)
	if got := string(all["go.mod"]); strings.Count(got, "replace ") != 2 || strings.Contains(got, "example.com/n") {
		t.Errorf("%s", got)
	}
	if got := string(all["carried/carried.go"]); strings.Count(got, "added") != 8 {
		t.Errorf("%s", got)
	}
}
