package translate_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

var update = flag.Bool("update", false, "write what is made into testdata")

// options are those of the library as it is built here, and of a usual mesh.
var options = translate.Options{
	Codecs: []translate.CodecInfo{
		{Name: "brpc", Sniffs: true}, {Name: "dubbo", Sniffs: true}, {Name: "thrift", Sniffs: true}, {Name: "parley"},
	},
	Filters: []string{"arguments", "stats"},
}

// TestTranslate compares what becomes of each testdata/CASE.in.yaml with CASE.out.yaml. A
// first line "# options: {...}" changes the options.
func TestTranslate(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, in := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(in), ".in.yaml"), func(t *testing.T) {
			content, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			r, err := manifest.NewReader()
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Read(in, strings.NewReader(string(content))); err != nil {
				t.Fatal(err)
			}
			if len(r.Unknown) > 0 {
				t.Fatalf("kinds that nobody reads: %v", r.Unknown)
			}
			o := options
			if text, ok := strings.CutPrefix(strings.SplitN(string(content), "\n", 2)[0], "# options: "); ok {
				if err := yaml.UnmarshalStrict([]byte(text), &o); err != nil {
					t.Fatal(err)
				}
			}
			mesh, verdicts := translate.Translate(r.Resources(), o)
			byName := map[string]*translate.Verdict{}
			for key, v := range verdicts {
				byName[key.Kind+" "+key.Namespace+"/"+key.Name] = v
			}
			got, err := yaml.Marshal(map[string]any{"mesh": mesh, "verdicts": byName})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.Replace(in, ".in.yaml", ".out.yaml", 1), got)
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./controlplane/... -update)", err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs (go test ./controlplane/... -update); got:\n%s", file, got)
	}
}
