package main

import (
	"maps"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	libraryFile    = "libmeltemi.so" // what Envoy looks for, of the module "meltemi"
	controllerFile = "meltemi-controller"
	commandFile    = "meltemi"
	installFile    = "install"

	source  = "https://github.com/meltemi-mesh/meltemi"
	licence = "Apache-2.0"
	// libraryLabel tells which version of the library an image has.
	libraryLabel = "dev.meltemi.library"
	// label is what the labels begin with that OCI has defined.
	label = "org.opencontainers.image."
	// nobody is a user without a name, for pods that must not run as root.
	nobody = "65532:65532"
)

// library is the image for an image volume, or for an init container that copies the
// library out of it.
func (r *release) library() *recipe {
	return &recipe{name: "meltemi-library", tag: r.version, files: []string{libraryFile, installFile}, onto: r.scratch(v1.Config{
		Entrypoint: []string{"/" + installFile}, Cmd: []string{libraryFolder}, User: nobody,
		Labels: with(r.labels("Meltemi's library", "libmeltemi.so for Envoy: mount the image, or run it to copy the library into a folder"),
			label+"licenses", licence, libraryLabel, r.version),
	})}
}

// controller is the image that runs in the cluster.
func (r *release) controller() *recipe {
	return &recipe{name: "meltemi-controller", tag: r.version, files: []string{controllerFile}, onto: r.scratch(v1.Config{
		Entrypoint: []string{"/" + controllerFile}, User: nobody,
		Labels: with(r.labels("Meltemi's controller", "keeps Istio's configuration as CodecBindings and RateLimitPolicies want it"),
			label+"licenses", licence),
	})}
}

// scratch makes images without a file.
func (r *release) scratch(config v1.Config) func(v1.Platform) (v1.Image, string, error) {
	return func(p v1.Platform) (v1.Image, string, error) {
		bare := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		image, err := mutate.ConfigFile(bare, &v1.ConfigFile{
			OS: p.OS, Architecture: p.Architecture, Config: config, Created: v1.Time{Time: r.date},
			RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{}},
		})
		return image, "", err
	}
}

// labels are what every image tells of itself.
func (r *release) labels(title, description string) map[string]string {
	all := map[string]string{
		label + "title":   title,
		label + "source":  source,
		label + "version": r.version,
		label + "created": r.date.Format(time.RFC3339),
	}
	if description != "" {
		all[label+"description"] = description
	}
	if r.revision != "" {
		all[label+"revision"] = r.revision
	}
	return all
}

// with is a copy of labels with more of them, in pairs of key and value.
func with(labels map[string]string, pairs ...string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, labels)
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}
