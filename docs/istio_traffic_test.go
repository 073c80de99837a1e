package docs

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the examples into the pages that show them instead of comparing them")

// example is the place of a file of examples/istio in a page.
var example = regexp.MustCompile(`(?s)<!-- begin: ([a-z0-9-]+\.yaml) -->\n(.*?)<!-- end -->`)

// TestIstioTraffic keeps what istio-traffic.md shows the same as the files of
// examples/istio, which the tests of the mesh apply. Each file is shown once, and begins
// with a comment that tells what it does.
func TestIstioTraffic(t *testing.T) {
	const page, folder = "istio-traffic.md", "../examples/istio"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]int{}
	now := example.ReplaceAllStringFunc(string(text), func(place string) string {
		name := example.FindStringSubmatch(place)[1]
		shown[name]++
		file, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Errorf("%s: %v", page, err)
			return place
		}
		if !strings.HasPrefix(string(file), "# ") {
			t.Errorf("%s does not begin with a comment", name)
		}
		return "<!-- begin: " + name + " -->\n```yaml\n" + string(file) + "```\n<!-- end -->"
	})
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if shown[f.Name()] != 1 {
			t.Errorf("%s shows %s %d times, want once", page, f.Name(), shown[f.Name()])
		}
	}
	if len(files) < 20 {
		t.Errorf("%s has %d files; where are the others?", folder, len(files))
	}
	switch {
	case *update:
		if err := os.WriteFile(page, []byte(now), 0o600); err != nil {
			t.Fatal(err)
		}
	case now != string(text):
		t.Errorf("%s is behind %s; go test ./docs -run %s -update writes it", page, folder, t.Name())
	}
}
