package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// TestLibraryAndController pushes both to registries and looks at what can be pulled.
func TestLibraryAndController(t *testing.T) {
	for kind, start := range registries {
		t.Run(kind, func(t *testing.T) {
			prefix := start(t) + "/team"
			out := t.TempDir()
			for _, test := range []struct {
				name, title string
				platforms   []string
				files       []string
				config      v1.Config
				labels      map[string]string
			}{
				{
					"library", "Meltemi's library",
					[]string{"linux/amd64", "linux/arm64"},
					[]string{"libmeltemi.so", "install"},
					v1.Config{Entrypoint: []string{"/install"}, Cmd: []string{"/var/lib/meltemi"}, User: "65532:65532"},
					map[string]string{"dev.meltemi.library": testVersion},
				},
				{
					"controller", "Meltemi's controller",
					[]string{"linux/amd64"},
					[]string{"meltemi-controller"},
					v1.Config{Entrypoint: []string{"/meltemi-controller"}, User: "65532:65532"},
					nil,
				},
			} {
				printed := mustExecute(t, out, test.name, "--platform", strings.Join(test.platforms, ","), "--push", prefix)
				index, tag := pull(t, prefix+"/meltemi-"+test.name+":"+testVersion)
				if digest, err := index.Digest(); err != nil || !strings.Contains(printed, "pushed "+tag.String()+" as "+tag.Context().Digest(digest.String()).String()+"\n") {
					t.Errorf("it prints %q, and %v is there (%v)", printed, digest, err)
				}
				if err := validate.Index(index); err != nil {
					t.Errorf("%s: %v", test.name, err)
				}
				images := platforms(t, index)
				if found := slices.Sorted(maps.Keys(images)); !slices.Equal(found, test.platforms) {
					t.Fatalf("%s is for %v", test.name, found)
				}
				for platform, image := range images {
					checkFiles(t, lastLayer(t, image), "", platform, test.files)
					config, err := image.ConfigFile()
					if err != nil {
						t.Fatal(err)
					}
					if got := config.Config; !slices.Equal(got.Entrypoint, test.config.Entrypoint) || !slices.Equal(got.Cmd, test.config.Cmd) || got.User != test.config.User {
						t.Errorf("%s: %+v", test.name, got)
					}
					if config.OS+"/"+config.Architecture != platform || !config.Created.Equal(testDate) || len(config.RootFS.DiffIDs) != 1 || len(config.History) != 1 {
						t.Errorf("%s: %+v", test.name, config)
					}
					checkLabels(t, config.Config.Labels, test.title, test.labels, map[string]string{"org.opencontainers.image.licenses": "Apache-2.0"})
					checkBOM(t, referrer(t, tag.Context(), image, bomType), platform, test.files)
				}
			}
		})
	}
}

// checkLabels compares labels with those that all images have, and others.
func checkLabels(t *testing.T, got map[string]string, title string, others ...map[string]string) {
	t.Helper()
	want := map[string]string{
		"org.opencontainers.image.title":    title,
		"org.opencontainers.image.source":   "https://github.com/meltemi-mesh/meltemi",
		"org.opencontainers.image.version":  testVersion,
		"org.opencontainers.image.revision": testRevision,
		"org.opencontainers.image.created":  "2023-11-14T22:13:20Z",
	}
	for _, more := range others {
		maps.Copy(want, more)
	}
	got = maps.Clone(got)
	if got["org.opencontainers.image.description"] == "" {
		t.Error("there is no description")
	}
	delete(got, "org.opencontainers.image.description")
	if !maps.Equal(got, want) {
		t.Errorf("labels %v, want %v", got, want)
	}
}
