package render_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/controlplane/ir"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
)

var update = flag.Bool("update", false, "write what is made into testdata")

// TestRender compares what is made of each mesh of package translate's cases with
// testdata/CASE.yaml.
func TestRender(t *testing.T) {
	cases, err := filepath.Glob("../translate/testdata/*.out.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, in := range cases {
		name := strings.TrimSuffix(filepath.Base(in), ".out.yaml")
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			var of struct{ Mesh *ir.Mesh }
			if err := yaml.Unmarshal(content, &of); err != nil {
				t.Fatal(err)
			}
			filters, err := render.EnvoyFilters(of.Mesh, render.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, f := range filters {
				b, err := yaml.Marshal(f)
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString("---\n")
				got.Write(b)
			}
			golden(t, filepath.Join("testdata", name+".yaml"), got.Bytes())
		})
	}
}

// TestMark holds that only marked proxies get what is for clients, which is for all of a
// mesh, if not all proxies have the library.
func TestMark(t *testing.T) {
	edge := func(name string) ir.Edge {
		return ir.Edge{Name: name, Namespace: "shop", Port: 9090, Codec: "{}", Codecs: []string{"thrift"}, Selector: map[string]string{"app": "orders"}}
	}
	mesh := &ir.Mesh{
		Outbound: []ir.Outbound{{Edge: edge("out")}}, Inbound: []ir.Inbound{{Edge: edge("in"), Bridge: "{}"}}, Gateways: []ir.Gateway{{Edge: edge("gateway")}},
	}
	for _, all := range []bool{false, true} {
		filters, err := render.EnvoyFilters(mesh, render.Options{ProxiesHaveLibrary: all})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range filters {
			for _, p := range f.Spec.ConfigPatches {
				want := ""
				if f.Name == "out" && !all {
					want = "true"
				}
				if got := p.Match.Proxy.Metadata[render.ProxyMark]; got != want {
					t.Errorf("all have the library: %v: a patch of %s is for proxies with mark %q, want %q", all, f.Name, got, want)
				}
			}
		}
	}
}

// TestNoBooleanIntoClustersAndListeners holds the rule of the package: istiod writes a
// BoolValue that is merged there into one that all proxies share. A boolean of the
// library's configuration is inside an Any, which is replaced whole.
func TestNoBooleanIntoClustersAndListeners(t *testing.T) {
	made, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(made) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range made {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for doc := range strings.SplitSeq(string(content), "---\n") {
			var f struct {
				Spec struct {
					ConfigPatches []struct {
						ApplyTo string `json:"applyTo"`
						Patch   struct {
							Operation string         `json:"operation"`
							Value     map[string]any `json:"value"`
						} `json:"patch"`
					} `json:"configPatches"`
				} `json:"spec"`
			}
			if err := yaml.Unmarshal([]byte(doc), &f); err != nil {
				t.Fatal(err)
			}
			for _, p := range f.Spec.ConfigPatches {
				if p.Patch.Operation == "MERGE" && (p.ApplyTo == "CLUSTER" || p.ApplyTo == "LISTENER") && hasBool(p.Patch.Value) {
					t.Errorf("%s merges a boolean into a %s: %v", file, p.ApplyTo, p.Patch.Value)
				}
			}
		}
	}
}

// hasBool looks for a boolean outside of an Any.
func hasBool(v any) bool {
	switch v := v.(type) {
	case bool:
		return true
	case map[string]any:
		if v["@type"] != nil {
			return false
		}
		for _, field := range v {
			if hasBool(field) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasBool)
	}
	return false
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
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs (go test ./controlplane/... -update); got:\n%s", file, got)
	}
}
