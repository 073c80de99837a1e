package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// baseVersion is the pinned Envoy that bases are made of.
const baseVersion = "1.39.3"

// envoyBase is an image with the pinned Envoy and the shared libraries that it needs, as
// Docker makes one.
func envoyBase(t *testing.T) v1.Image {
	t.Helper()
	envoy := filepath.Join(root(t), ".cache", "envoy", baseVersion, "envoy")
	if _, err := os.Stat(envoy); err != nil {
		t.Fatalf("%v: run `make envoy`", err)
	}
	files := map[string]string{"usr/local/bin/envoy": envoy, "etc/base": writeText(t, "a base\n")}
	for _, library := range librariesOf(t, envoy) {
		files[library[1:]] = library
	}
	return imageOf(t, "amd64", files, v1.Config{
		Entrypoint: []string{"/usr/local/bin/envoy"}, Env: []string{"PATH=/usr/local/bin"},
		Labels: map[string]string{"org.opencontainers.image.revision": "the base's", "org.opencontainers.image.licenses": "Apache-2.0 AND GPL-2.0-only", "kept": "yes"},
	})
}

// librariesOf are the paths of the shared libraries of a program, its loader among them.
func librariesOf(t *testing.T, program string) []string {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	needed, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, found := range regexp.MustCompile(`(/\S+) \(0x`).FindAllStringSubmatch(string(out), -1) {
		paths = append(paths, found[1])
	}
	if len(paths) < len(needed) {
		t.Fatalf("ldd finds %v, and Envoy needs %v", paths, needed)
	}
	return paths
}

func writeText(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// imageOf packs files, by their path in the image, with tar and gzip.
func imageOf(t *testing.T, architecture string, files map[string]string, config v1.Config) v1.Image {
	t.Helper()
	dir := t.TempDir()
	for target, file := range files {
		link := filepath.Join(dir, target)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(file, link); err != nil {
			t.Fatal(err)
		}
	}
	archive := filepath.Join(t.TempDir(), "layer.tar.gz")
	if out, err := exec.Command("tar", "--dereference", "-I", "gzip -1", "-cf", archive, "-C", dir, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	layer, err := tarball.LayerFromFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file.OS, file.Architecture, file.Config = "linux", architecture, config
	if image, err = mutate.ConfigFile(image, file); err != nil {
		t.Fatal(err)
	}
	return image
}

// textImage is an image with a small file.
func textImage(t *testing.T, architecture string, config v1.Config) v1.Image {
	t.Helper()
	return imageOf(t, architecture, map[string]string{"etc/base": writeText(t, architecture)}, config)
}

// asOCI is an image with the media types of OCI in place of Docker's.
func asOCI(image v1.Image) v1.Image {
	return mutate.ConfigMediaType(mutate.MediaType(image, types.OCIManifestSchema1), types.OCIConfigJSON)
}

// pushIndex pushes images for several platforms, and an attestation as docker buildx adds
// it, which is no image for any.
func pushIndex(t *testing.T, text string, images ...v1.Image) {
	t.Helper()
	attestation := textImage(t, "unknown", v1.Config{})
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add: attestation, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}},
	})
	for _, image := range images {
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		platform := &v1.Platform{OS: config.OS, Architecture: config.Architecture}
		if config.Architecture == "arm64" {
			platform.Variant = "v8"
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})
	}
	if err := remote.WriteIndex(reference(t, text), index, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func pushImage(t *testing.T, text string, image v1.Image) {
	t.Helper()
	if err := remote.Write(reference(t, text), image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func reference(t *testing.T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
