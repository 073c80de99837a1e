package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const (
	// libraryFolder is where the library is, unless a base has a folder for modules.
	libraryFolder = "/var/lib/meltemi"
	// searchPath names to Envoy the one folder that it looks for modules in.
	searchPath = "ENVOY_DYNAMIC_MODULES_SEARCH_PATH"
)

// base is an image of a registry that a proxy image is made from.
type base struct {
	text string // as it was named
	ref  name.Reference
	got  *remote.Descriptor
}

// fetchBase looks an image up.
func fetchBase(ctx context.Context, text string) (*base, error) {
	ref, err := name.ParseReference(text)
	if err != nil {
		return nil, fmt.Errorf("base %s: %w", text, err)
	}
	got, err := remote.Get(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return nil, fmt.Errorf("base %s: %w", text, err)
	}
	return &base{text, ref, got}, nil
}

// image is the base's image for a platform.
func (b *base) image(p v1.Platform) (v1.Image, error) {
	if !b.got.MediaType.IsIndex() {
		image, err := b.got.Image()
		if err != nil {
			return nil, err
		}
		config, err := image.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("it is no image of a container: %w", err)
		}
		if config.OS != p.OS || config.Architecture != p.Architecture {
			return nil, fmt.Errorf("it is for %s/%s alone", config.OS, config.Architecture)
		}
		return image, nil
	}
	index, err := b.got.ImageIndex()
	if err != nil {
		return nil, err
	}
	list, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var others []string
	for i := range list.Manifests {
		switch m := &list.Manifests[i]; {
		case m.Platform == nil || m.Platform.OS == "unknown": // such as attestations
		case m.Platform.Satisfies(p):
			return index.Image(m.Digest)
		default:
			others = append(others, m.Platform.String())
		}
	}
	return nil, fmt.Errorf("it has no image for %v, only for %s", p, strings.Join(others, ", "))
}

// folderFor is the folder for the library in an image: the one that the image has Envoy
// look into, else our own. An image that has the library is refused, since it would
// silently get another version.
func folderFor(image v1.Image) (string, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return "", err
	}
	if version, ok := config.Config.Labels[libraryLabel]; ok {
		return "", fmt.Errorf("it has the library already, of version %s: take the image that it was made from", version)
	}
	folder, ok := searchPathOf(config)
	if !ok {
		return libraryFolder, nil
	}
	if !path.IsAbs(folder) {
		return "", fmt.Errorf("its %s is %q, which is no absolute path", searchPath, folder)
	}
	found, err := hasFile(image, path.Join(folder, libraryFile))
	if err != nil {
		return "", err
	}
	if found {
		return "", fmt.Errorf("it has %s already: take the image that it was made from", path.Join(folder, libraryFile))
	}
	return path.Clean(folder), nil
}

// searchPathOf is the folder that an image has Envoy look for modules in, if it says so.
func searchPathOf(config *v1.ConfigFile) (folder string, ok bool) {
	for _, variable := range config.Config.Env {
		if folder, ok = strings.CutPrefix(variable, searchPath+"="); ok {
			return folder, true
		}
	}
	return "", false
}

// hasFile reports whether a layer of an image has a file.
func hasFile(image v1.Image, file string) (bool, error) {
	layers, err := image.Layers()
	if err != nil {
		return false, err
	}
	for _, layer := range layers {
		found, err := layerHas(layer, strings.TrimPrefix(file, "/"))
		if err != nil || found {
			return found, err
		}
	}
	return false, nil
}

func layerHas(layer v1.Layer, file string) (bool, error) {
	content, err := layer.Uncompressed()
	if err != nil {
		return false, err
	}
	defer func() { _ = content.Close() }()
	for files := tar.NewReader(content); ; {
		header, err := files.Next()
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		case strings.TrimPrefix(path.Clean("/"+header.Name), "/") == file:
			return true, nil
		}
	}
}
