package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// TestProxy makes images from a base of two platforms: one with the pinned Envoy, which
// then serves a call, and one for arm64.
func TestProxy(t *testing.T) {
	host := startDockerRegistry(t)
	base := host + "/istio/proxyv2:1.31.0"
	stock := envoyBase(t)
	pushIndex(t, base, stock, textImage(t, "arm64", v1.Config{User: "1337"}))
	printed := mustExecute(t, t.TempDir(), "proxy", base, "--push", host+"/team")

	index, tag := pull(t, host+"/team/meltemi-proxyv2:1.31.0-meltemi-"+testVersion)
	if !strings.Contains(printed, "pushed "+tag.String()) {
		t.Errorf("it prints %q", printed)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	images := platforms(t, index)
	if got := slices.Sorted(maps.Keys(images)); !slices.Equal(got, []string{"linux/amd64", "linux/arm64"}) {
		t.Fatalf("it is for %v", got)
	}
	for platform, image := range images {
		checkFiles(t, lastLayer(t, image), "var/lib/meltemi/", platform, []string{"libmeltemi.so"})
		checkBOM(t, referrer(t, tag.Context(), image, bomType), platform, []string{"libmeltemi.so"})
		checkBase(t, image)
	}
	amd, arm := configOf(t, images["linux/amd64"]), configOf(t, images["linux/arm64"])
	if arm.Config.User != "1337" || !slices.Equal(arm.Config.Env, []string{"ENVOY_DYNAMIC_MODULES_SEARCH_PATH=/var/lib/meltemi", "ISTIO_META_MELTEMI=true"}) {
		t.Errorf("%+v", arm.Config)
	}
	if !slices.Equal(amd.Config.Entrypoint, []string{"/usr/local/bin/envoy"}) || !slices.Equal(amd.Config.Env, []string{"PATH=/usr/local/bin", "ENVOY_DYNAMIC_MODULES_SEARCH_PATH=/var/lib/meltemi", "ISTIO_META_MELTEMI=true"}) {
		t.Errorf("%+v", amd.Config)
	}
	if !amd.Created.Equal(testDate) {
		t.Errorf("it is of %v", amd.Created)
	}
	checkLabels(t, amd.Config.Labels, "Envoy with Meltemi", map[string]string{
		"dev.meltemi.library":                  testVersion,
		"kept":                                 "yes",
		"org.opencontainers.image.licenses":    "Apache-2.0 AND GPL-2.0-only",
		"org.opencontainers.image.base.name":   base,
		"org.opencontainers.image.base.digest": digestOf(t, base),
	})

	t.Run("Envoy", func(t *testing.T) { serveCall(t, images["linux/amd64"]) })
}

// checkBase sees that the base's layer is there untouched, below ours.
func checkBase(t *testing.T, image v1.Image) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 2 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	if found, err := layerHas(layers[0], "etc/base"); err != nil || !found {
		t.Errorf("the base's file is not there: %v", err)
	}
	for _, layer := range layers {
		if mediaType, err := layer.MediaType(); err != nil || mediaType != types.DockerLayer {
			t.Errorf("a layer of an image of Docker's is %v, %v", mediaType, err)
		}
	}
}

func configOf(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func digestOf(t *testing.T, text string) string {
	t.Helper()
	got, err := remote.Head(reference(t, text), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return got.Digest.String()
}

// TestProxyOfOneImage has bases that are no index, with OCI's types, and named in other
// ways than by a tag.
func TestProxyOfOneImage(t *testing.T) {
	host := startRegistry(t)
	base := host + "/envoyproxy/envoy"
	image := asOCI(textImage(t, "amd64", v1.Config{Env: []string{"ENVOY_DYNAMIC_MODULES_SEARCH_PATH=/opt/modules/"}}))
	pushImage(t, base+":v1.39.3", image)
	digest := digestOf(t, base+":v1.39.3")
	for _, test := range []struct{ base, flag, want string }{
		{base + ":v1.39.3", "", "v1.39.3-meltemi-v1.2.3"},
		{base + ":v1.39.3@" + digest, "", "v1.39.3-meltemi-v1.2.3"},
		{base + "@" + digest, "--tag=of-mine", "of-mine"},
	} {
		mustExecute(t, t.TempDir(), "proxy", test.base, "--platform", "linux/amd64", "--push", host+"/team", "--tag", strings.TrimPrefix(test.flag, "--tag="))
		index, _ := pull(t, host+"/team/meltemi-envoy:"+test.want)
		if err := validate.Index(index); err != nil {
			t.Errorf("%s: %v", test.base, err)
		}
		made := platforms(t, index)["linux/amd64"]
		// Envoy looks into one folder, so the library goes where the base's modules are.
		checkFiles(t, lastLayer(t, made), "opt/modules/", "linux/amd64", []string{"libmeltemi.so"})
		if env := configOf(t, made).Config.Env; !slices.Equal(env, []string{"ENVOY_DYNAMIC_MODULES_SEARCH_PATH=/opt/modules/", "ISTIO_META_MELTEMI=true"}) {
			t.Errorf("%v", env)
		}
		manifest, err := made.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if manifest.MediaType != types.OCIManifestSchema1 || manifest.Layers[1].MediaType != types.OCILayer {
			t.Errorf("%+v", manifest)
		}
	}
}

func TestProxyRefuses(t *testing.T) {
	host := startRegistry(t)
	pushIndex(t, host+"/istio/proxyv2:amd", textImage(t, "amd64", v1.Config{}))
	pushImage(t, host+"/istio/proxyv2:one", textImage(t, "amd64", v1.Config{}))
	pushImage(t, host+"/istio/proxyv2:relative", textImage(t, "amd64", v1.Config{Env: []string{"ENVOY_DYNAMIC_MODULES_SEARCH_PATH=modules"}}))
	pushImage(t, host+"/istio/proxyv2:has", imageOf(t, "amd64", map[string]string{"opt/libmeltemi.so": writeText(t, "another")}, v1.Config{Env: []string{"ENVOY_DYNAMIC_MODULES_SEARCH_PATH=/opt"}}))
	mustExecute(t, t.TempDir(), "proxy", host+"/istio/proxyv2:one", "--platform", "linux/amd64", "--push", host+"/team")
	digest := digestOf(t, host+"/istio/proxyv2:one")
	for _, test := range []struct {
		want string
		args []string
	}{
		{"base " + host + "/istio/proxyv2:none: ", []string{host + "/istio/proxyv2:none"}},
		{"base not a name: could not parse reference", []string{"not a name"}},
		{"base 127.0.0.1:1/istio/proxyv2:1.31.0: ", []string{"127.0.0.1:1/istio/proxyv2:1.31.0"}},
		{"connection refused", []string{"127.0.0.1:1/istio/proxyv2:1.31.0"}},
		{"proxyv2:amd: it has no image for linux/arm64, only for linux/amd64", []string{host + "/istio/proxyv2:amd"}},
		{"proxyv2:one: it is for linux/amd64 alone", []string{host + "/istio/proxyv2:one"}},
		{"proxyv2:one-meltemi-v1.2.3: it has the library already, of version v1.2.3: take the image that it was made from", []string{host + "/team/meltemi-proxyv2:one-meltemi-v1.2.3", "--platform", "linux/amd64"}},
		{"proxyv2:has: it has /opt/libmeltemi.so already", []string{host + "/istio/proxyv2:has", "--platform", "linux/amd64"}},
		{`proxyv2:relative: its ENVOY_DYNAMIC_MODULES_SEARCH_PATH is "modules", which is no absolute path`, []string{host + "/istio/proxyv2:relative", "--platform", "linux/amd64"}},
		{"has no tag, which the image's own begins with", []string{host + "/istio/proxyv2@" + digest}},
		{"pushing 127.0.0.1:1/team/meltemi-proxyv2:one-meltemi-v1.2.3: ", []string{host + "/istio/proxyv2:one", "--platform", "linux/amd64", "--push", "127.0.0.1:1/team"}},
		{"--push: ", []string{host + "/istio/proxyv2:one", "--platform", "linux/amd64", "--push", "Team"}},
		{"--push: ", []string{host + "/istio/proxyv2:one", "--platform", "linux/amd64", "--push", host + "/team", "--version", "v1.2.3+more"}},
		{"--version is not given", []string{host + "/istio/proxyv2:one", "--version", ""}},
		{"--platform is empty", []string{host + "/istio/proxyv2:one", "--platform", ""}},
		{"--platform linux/s390x: there are linux/amd64 and linux/arm64", []string{host + "/istio/proxyv2:one", "--platform", "linux/s390x"}},
		{"--date -1 is before 1970", []string{host + "/istio/proxyv2:one", "--date", "-1"}},
		{"accepts 1 arg(s), received 0", nil},
	} {
		if _, err := execute(t, t.TempDir(), append([]string{"proxy"}, test.args...)...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, want %q", test.args, err, test.want)
		}
	}
}
