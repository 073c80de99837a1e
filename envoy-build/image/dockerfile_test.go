package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// TestDockerfile reads the Dockerfile with BuildKit's parser, since there is no Docker
// here to build it, and compares each stage with the image that it stands for.
func TestDockerfile(t *testing.T) {
	text := readFile(t, filepath.Join(root(t), "envoy-build", "Dockerfile"))
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range stages {
		names = append(names, stages[i].Name)
	}
	if want := []string{"build", "library", "controller", "proxy"}; !slices.Equal(names, want) {
		t.Fatalf("stages %v, want %v", names, want)
	}
	r := &release{version: "$VERSION", date: testDate}
	for i, how := range []*recipe{r.library(), r.controller()} {
		image, _, err := how.onto(v1.Platform{OS: "linux", Architecture: "amd64"})
		if err != nil {
			t.Fatal(err)
		}
		checkStage(t, &stages[1+i], "/", how.files, configOf(t, image).Config)
	}
	checkStage(t, &stages[3], "/var/lib/meltemi/", []string{"libmeltemi.so"}, v1.Config{
		Env: []string{"ENVOY_DYNAMIC_MODULES_SEARCH_PATH=/var/lib/meltemi", "ISTIO_META_MELTEMI=true"}, Labels: map[string]string{"dev.meltemi.library": "$VERSION"},
	})
	compiled := false
	for _, c := range stages[0].Commands {
		if run, ok := c.(*instructions.RunCommand); ok {
			compiled = compiled || strings.HasSuffix(strings.Join(run.CmdLine, " "), `envoy-build/compile.sh /out "$TARGETARCH" libmeltemi.so install meltemi-controller`)
		}
	}
	if !compiled {
		t.Error("nothing compiles what the stages copy")
	}
	if _, err := os.Stat(filepath.Join(root(t), "envoy-build", "Dockerfile.dockerignore")); err != nil {
		t.Error(err)
	}
}

// checkStage compares what a stage copies and configures.
func checkStage(t *testing.T, stage *instructions.Stage, folder string, files []string, want v1.Config) {
	t.Helper()
	var got v1.Config
	var copied []string
	for _, c := range stage.Commands {
		switch c := c.(type) {
		case *instructions.CopyCommand:
			if c.From != "build" || c.DestPath != folder {
				t.Errorf("%s: %v", stage.Name, c)
			}
			copied = append(copied, c.SourcePaths...)
		case *instructions.LabelCommand:
			for _, pair := range c.Labels {
				if pair.Key == libraryLabel && pair.Value != want.Labels[libraryLabel] {
					t.Errorf("%s: %v", stage.Name, c)
				}
			}
			got.Labels = map[string]string{}
		case *instructions.EnvCommand:
			for _, pair := range c.Env {
				got.Env = append(got.Env, pair.Key+"="+pair.Value)
			}
		case *instructions.UserCommand:
			got.User = c.User
		case *instructions.EntrypointCommand:
			got.Entrypoint = c.CmdLine
		case *instructions.CmdCommand:
			got.Cmd = c.CmdLine
		case *instructions.ArgCommand:
		default:
			t.Errorf("%s: unexpected %v", stage.Name, c)
		}
	}
	wantCopied := []string{"/src/LICENSE"}
	for _, f := range files {
		wantCopied = append(wantCopied, "/out/"+f)
	}
	slices.Sort(wantCopied)
	slices.Sort(copied)
	if !slices.Equal(copied, wantCopied) {
		t.Errorf("%s: copies %v, want %v", stage.Name, copied, wantCopied)
	}
	if _, labelled := want.Labels[libraryLabel]; labelled != (got.Labels != nil) {
		t.Errorf("%s: the label %s", stage.Name, libraryLabel)
	}
	if got.User != want.User || !slices.Equal(got.Env, want.Env) || !slices.Equal(got.Entrypoint, want.Entrypoint) || !slices.Equal(got.Cmd, want.Cmd) {
		t.Errorf("%s: %+v, want %+v", stage.Name, got, want)
	}
}
