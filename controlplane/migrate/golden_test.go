package migrate_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/controlplane/library"
	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
	"github.com/meltemi-mesh/meltemi/controlplane/migrate"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

var update = flag.Bool("update", false, "write what is made into testdata")

// codecs are those of the library as it is built here.
var codecs = []string{"brpc", "dubbo", "thrift"}

// TestMigrate compares what becomes of each testdata/CASE.in.yaml with CASE.out.yaml, the
// manifests, and CASE.notes.txt, the notes and errors. A first line "# namespace: NAME" is
// for resources that say none, as kubectl's -n. The manifests are then read as those
// of the API, and what is bound has to be accepted.
func TestMigrate(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, in := range cases {
		name := strings.TrimSuffix(filepath.Base(in), ".in.yaml")
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			var input migrate.Input
			if line, ok := strings.CutPrefix(strings.SplitN(string(content), "\n", 2)[0], "# namespace: "); ok {
				input.Namespace = line
			}
			var notes bytes.Buffer
			if err := input.Read(name+".in.yaml", bytes.NewReader(content)); err != nil {
				notes.WriteString("error: " + strings.ReplaceAll(err.Error(), "\n", "\nerror: ") + "\n")
			}
			result, err := migrate.Migrate(&input, migrate.Options{Codecs: codecs})
			for _, n := range result.Notes {
				notes.WriteString(n.String() + "\n")
			}
			if err != nil {
				notes.WriteString("error: " + strings.ReplaceAll(err.Error(), "\n", "\nerror: ") + "\n")
			}
			var out bytes.Buffer
			for _, m := range result.Manifests {
				out.WriteString("---\n")
				out.Write(m.Text)
			}
			golden(t, "testdata/"+name+".out.yaml", out.Bytes())
			golden(t, "testdata/"+name+".notes.txt", notes.Bytes())
			accepted(t, name, out.String())
		})
	}
}

// refused are the resources of cases that nobody can accept as they are.
var refused = map[string]string{
	// Somebody has to write the codec.
	"CodecBinding default/qza-sample-server":              `codec: the library has no codec "qza"`,
	"RateLimitPolicy default/test-metaprotocol-qza-route": "no CodecBinding makes its port",
	// The notes tell both.
	"CodecBinding default/brpc-echo-server-serviceentry": "say with hosts",
}

func accepted(t *testing.T, name, manifests string) {
	t.Helper()
	r, err := manifest.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Read(name, strings.NewReader(manifests)); err != nil {
		t.Fatal(err)
	}
	if len(r.Unknown) > 0 {
		t.Errorf("kinds that nobody knows: %v", r.Unknown)
	}
	known, err := library.Parse(library.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	var options translate.Options
	known.Options(&options)
	_, verdicts := translate.Translate(r.Resources(), options)
	for key, v := range verdicts {
		why := refused[key.Kind+" "+key.Namespace+"/"+key.Name]
		if v.Accepted() != (why == "") || !strings.Contains(v.Message, why) {
			t.Errorf("%s %s/%s: %s: %s", key.Kind, key.Namespace, key.Name, v.Reason, v.Message)
		}
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
		t.Fatalf("%v (go test ./controlplane/migrate -update)", err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs (go test ./controlplane/migrate -update); got:\n%s", file, got)
	}
}
