package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/envoy-build/envoybin"
)

const goodMesh = `listeners:
- name: orders
  address: 127.0.0.1:0
  codec: dubbo
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: v1}}]}]}
clusters:
- {name: v1, codec: dubbo, endpoints: ["127.0.0.1:1"]}
`

// meshFile writes a mesh file.
func meshFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mesh.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigPrintsWhatEnvoyGets(t *testing.T) {
	path := meshFile(t, goodMesh)
	asYAML := meltemi(t, "", "config", path)
	if asYAML.code != cli.Good || !strings.Contains(asYAML.stdout, "codec_type: HTTP2 # meltemi\n") {
		t.Errorf("code %d, stderr %q, stdout:\n%s", asYAML.code, asYAML.stderr, asYAML.stdout)
	}
	asJSON := meltemi(t, "", "config", path, "-o", "json")
	var out struct {
		Static struct {
			Listeners []struct{ Name string }
		} `json:"static_resources"`
	}
	if err := json.Unmarshal([]byte(asJSON.stdout), &out); err != nil || len(out.Static.Listeners) != 1 {
		t.Errorf("%v: %s", err, asJSON.stdout)
	}
}

func TestValidate(t *testing.T) {
	good := meltemi(t, "", "validate", "--no-envoy", meshFile(t, goodMesh))
	if good.code != cli.Good || !strings.HasPrefix(good.stdout, "valid ") {
		t.Errorf("code %d, %q, %q", good.code, good.stdout, good.stderr)
	}
	bad := meltemi(t, "", "validate", "--no-envoy", meshFile(t, strings.ReplaceAll(goodMesh, "codec: dubbo", "codec: dubo")))
	if bad.code != cli.Failed {
		t.Errorf("code %d for an unknown codec", bad.code)
	}
	for _, want := range []string{"2 errors\n", "listeners[0].codec: ", "(line 4)\n", "clusters[0].codec: ", "(line 7)\n"} {
		if !strings.Contains(bad.stderr, want) {
			t.Errorf("no %q in %q", want, bad.stderr)
		}
	}
}

// TestDocumentedMeshes checks the mesh files of documents that tell of one filter.
func TestDocumentedMeshes(t *testing.T) {
	files, err := filepath.Glob("../../docs/filter-*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range strings.Split(string(document), "```yaml\n")[1:] {
			mesh, _, _ := strings.Cut(block, "```")
			if !strings.HasPrefix(mesh, "listeners:") {
				continue // a piece of one
			}
			if r := meltemi(t, "", "validate", "--no-envoy", meshFile(t, mesh)); r.code != cli.Good {
				t.Errorf("%s: mesh file %d: %s", file, i+1, r.stderr)
			}
		}
	}
}

func TestValidateTellsWarnings(t *testing.T) {
	plain := strings.ReplaceAll(goodMesh, "v1, codec: dubbo", "v1")
	got := meltemi(t, "", "validate", "--no-envoy", meshFile(t, plain))
	if got.code != cli.Good || !strings.Contains(got.stderr, "has neither a codec nor HTTP/2 options") {
		t.Errorf("code %d, %q", got.code, got.stderr)
	}
}

func TestExitCodes(t *testing.T) {
	t.Setenv(envoybin.Variable, "")
	good := meshFile(t, goodMesh)
	for _, test := range []struct {
		want cli.Code
		text string // in what is printed
		args []string
	}{
		{cli.Good, "ready orders=", []string{"run", "--help"}},
		{cli.Good, "dynamic modules", []string{"version"}},
		{cli.Usage, "unknown command", []string{"rnu"}},
		{cli.Usage, "accepts 1 arg", []string{"run"}},
		{cli.Usage, "unknown flag", []string{"run", good, "--nope"}},
		{cli.Usage, "--concurrency 0", []string{"run", good, "--concurrency", "0"}},
		{cli.Usage, "--drain-time", []string{"run", good, "--drain-time", "-1s"}},
		{cli.Usage, "--log-level", []string{"run", good, "--log-level", "loud"}},
		{cli.Usage, "--library", []string{"run", good, "--library", "/nonexistent.so"}},
		{cli.Usage, "want yaml or json", []string{"config", good, "-o", "xml"}},
		{cli.Usage, "want text or json", []string{"version", "-o", "xml"}},
		{cli.Usage, "no such file", []string{"run", "nonexistent.yaml"}},
		{cli.Usage, "is a directory", []string{"validate", t.TempDir()}},
		{cli.Usage, "no such file", []string{"codecs", "--lib", "/nonexistent.so"}},
		{cli.Usage, "no ELF file", []string{"codecs", "--lib", good}},
		{cli.Usage, "no ELF file", []string{"run", good, "--library", good}},
		{cli.Usage, `no command "rnu"`, []string{"help", "rnu"}},
		{cli.Usage, `no command "new codecs"`, []string{"help", "new", "codecs"}},
		{cli.Usage, "unknown command", []string{"completion", "csh"}},
		{cli.Usage, "exclude each other", []string{"build", "--sdk", ".", "--sdk-version", "v0.1.0"}},
		{cli.Usage, "exclude each other", []string{"new", "codec", "x", "--sdk", ".", "--sdk-version", "v0.1.0"}},
		{cli.Good, "Write a Go module", []string{"help", "new", "codec"}},
		{cli.Good, "version ", []string{"--version"}},
		{cli.Failed, "the file is empty", []string{"run", meshFile(t, "")}},
		{cli.Unfit, "/nonexistent/envoy", []string{"run", good, "--envoy", "/nonexistent/envoy"}},
		{cli.Unfit, "--no-envoy", []string{"validate", good, "--envoy", "/nonexistent/envoy"}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			got := meltemi(t, "", test.args...)
			if got.code != test.want {
				t.Errorf("exit code %d, want %d", got.code, test.want)
			}
			if printed := got.stdout + got.stderr; !strings.Contains(printed, test.text) {
				t.Errorf("no %q in %q", test.text, printed)
			}
		})
	}
}

func TestVersionJSON(t *testing.T) {
	var info versionInfo
	got := meltemi(t, "", "version", "-o", "json")
	if err := json.Unmarshal([]byte(got.stdout), &info); err != nil {
		t.Fatal(err)
	}
	if info.ABI != abiVersion || !strings.Contains(info.Envoy, envoybin.Oldest.String()) || len(info.Codecs) == 0 {
		t.Errorf("got %+v", info)
	}
}

// TestCompletion asks as a shell does.
func TestCompletion(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"run|", "yaml\nyml\njson\n"},
		{"run|x.yaml|--log-level|", "trace\n"},
		{"config|x.yaml|-o|", "yaml\njson\n"},
	} {
		got := meltemi(t, "", append([]string{"__complete"}, strings.Split(test.args, "|")...)...)
		if !strings.HasPrefix(got.stdout, test.want) {
			t.Errorf("%s: got %q, want %q", test.args, got.stdout, test.want)
		}
	}
}

// TestABIVersion compares with the header that the library is built from.
func TestABIVersion(t *testing.T) {
	header, err := os.ReadFile(filepath.Join("..", "..", "sdk", "abi", "abi.h"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `ENVOY_DYNAMIC_MODULES_ABI_VERSION "` + abiVersion + `"`; !strings.Contains(string(header), want) {
		t.Errorf("abi.h does not define %s", want)
	}
}
