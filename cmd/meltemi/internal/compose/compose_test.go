package compose

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

func TestParseAddition(t *testing.T) {
	dir := write(t, map[string]string{
		"go.mod": "module example.com/ledger\n", "ledger.go": "", "rpc/rpc.go": "", "rpc/codec/codec.go": "", "tests/ledger_test.go": "",
	})
	sub := filepath.Join(dir, "rpc", "codec")
	for text, want := range map[string]Addition{
		"example.com/ledger":                  {Package: "example.com/ledger"},
		"example.com/ledger@v1.2.3":           {Package: "example.com/ledger", Version: "v1.2.3"},
		"example.com/ledger=" + dir:           {Package: "example.com/ledger", Module: "example.com/ledger", Folder: dir},
		"example.com/ledger/rpc=" + dir:       {Package: "example.com/ledger/rpc", Module: "example.com/ledger", Folder: dir},
		"example.com/ledger/rpc/codec=" + sub: {Package: "example.com/ledger/rpc/codec", Module: "example.com/ledger", Folder: dir},
		dir:                                   {Package: "example.com/ledger", Module: "example.com/ledger", Folder: dir},
		sub:                                   {Package: "example.com/ledger/rpc/codec", Module: "example.com/ledger", Folder: dir},
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
		"/":                               "has a go.mod",
		"./missing":                       "no such file",
		dir + "/tests":                    "has no Go files, so no package example.com/ledger/tests",
		"example.com/ledger/none=" + dir:  "has no Go files, so no package example.com/ledger/none",
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

func TestFindHost(t *testing.T) {
	if h, err := FindHost(Hosts()[0].Name); err != nil || h.Name != "envoy" {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := FindHost("nobody"); err == nil || !strings.Contains(err.Error(), `no host "nobody": there are envoy`) {
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
	o := &Options{Host: &Hosts()[0], SDK: "/meltemi", Add: []Addition{
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

// TestHostsThatAreModules are required, beside Meltemi's own module, and of the same
// checkout or version.
func TestHostsThatAreModules(t *testing.T) {
	h, err := FindHost("wasm")
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]*Options{
		`replace github.com/meltemi-mesh/meltemi/sdk/wasm => "/meltemi/sdk/wasm"`: {Host: h, SDK: "/meltemi"},
		`require github.com/meltemi-mesh/meltemi/sdk/wasm v1.2.3`:                 {Host: h, Version: "v1.2.3"},
	} {
		all := files(o)
		if got := string(all["go.mod"]); !strings.Contains(got, want+"\n") {
			t.Errorf("there is no %q in\n%s", want, got)
		}
		if got := string(all["library/main.go"]); !strings.Contains(got, `host "github.com/meltemi-mesh/meltemi/sdk/wasm"`) {
			t.Errorf("%s", got)
		}
	}
	here, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	if sums, err := (&Options{Host: h, SDK: here}).sums(); err != nil || !strings.Contains(string(sums), "github.com/proxy-wasm/proxy-wasm-go-sdk ") {
		t.Errorf("the hashes of the host's module are not there: %v", err)
	}
	envoy := files(&Options{Host: &Hosts()[0], SDK: "/meltemi"})
	if got := string(envoy["go.mod"]); strings.Contains(got, "sdk/wasm") {
		t.Errorf("the usual host needs no other module:\n%s", got)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	twice := []Addition{{Package: "example.com/m"}, {Package: "example.com/n"}, {Package: "example.com/m"}}
	for want, o := range map[string]*Options{
		"package example.com/m is there twice":   {Add: twice, Output: filepath.Join(dir, "x.so")},
		dir + " is a folder; name the file":      {Output: dir},
		"there is no folder " + dir + "/missing": {Output: filepath.Join(dir, "missing", "x.so")},
	} {
		o.Host = &Hosts()[0]
		_, err := Build(t.Context(), o)
		if bad, ok := errors.AsType[*OptionError](err); !ok || !strings.Contains(bad.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestCheckInterface(t *testing.T) {
	if err := checkInterface(moduleinfo.Interface); err != nil {
		t.Error(err)
	}
	if err := checkInterface(moduleinfo.Interface + 1); err == nil || !strings.Contains(err.Error(), "the meltemi that belongs to them") {
		t.Errorf("got %v", err)
	}
}

// TestRefusals builds as far as the codecs themselves are asked. Nothing is linked.
func TestRefusals(t *testing.T) {
	here, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	for want, source := range map[string]string{
		"package example.com/m: two codecs are named dubbo":                                                         `sdk.Definition{Name: "dubbo", New: dubbo.Definition().New}`,
		"package example.com/m: codec " + strconv.Itoa(len((*Options).Own(nil))) + " has no name or no constructor": `sdk.Definition{Name: "m"}`,
		"package example.com/m: codec m without a configuration: it needs one":                                      `sdk.Definition{Name: "m", New: func([]byte) (sdk.Codec, error) { return nil, errors.New("it needs one") }}`,
		"sdk.Wrong":                           `sdk.Wrong{}`, // written for another interface
		"undefined: example.com/m.Definition": `hidden`,
		"package example.com/m: filter " + strconv.Itoa(len((*Options).OwnFilters(nil))) + " has no name or no constructor": `filter.Definition{Name: "m"}`,
		"package example.com/m: Definition returns int, which defines neither a codec nor a filter":                         `7`,
	} {
		dir, kind := t.TempDir(), "sdk.Definition"
		if strings.HasPrefix(source, "filter.") {
			kind = "filter.Definition"
		} else if source == "7" {
			kind = "int"
		}
		name := "Definition"
		if source == "hidden" {
			name, source = "definition", "sdk.Definition{}"
		}
		for name, text := range map[string]string{
			"go.mod": "module example.com/m\n\ngo 1.26.0\n",
			"m.go": `package m

import (
	"errors"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

var _, _, _, _ = errors.New, dubbo.Definition, sdk.OK, filter.Continue

type d = ` + kind + `

func ` + name + `() d { return ` + source + " }\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		output := filepath.Join(dir, "x.so")
		_, err = Build(t.Context(), &Options{
			Host: &Hosts()[0], SDK: here, Add: []Addition{{Package: "example.com/m", Module: "example.com/m", Folder: dir}}, Output: output, Log: io.Discard,
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if _, err := os.Stat(output); err == nil {
			t.Error("there is a library")
		}
	}
}
