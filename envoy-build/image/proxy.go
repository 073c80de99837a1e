package main

import (
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// proxyMark has Istio's agent tell istiod that a proxy has the library; see ProxyMark in
// controlplane/render.
const proxyMark = "ISTIO_META_MELTEMI=true"

// proxy is a base with the library, and variables that tell Envoy where it is. Its
// tag begins with that of the base, since controllers learn from it which Istio a proxy
// is of.
func (r *release) proxy(b *base, tag string) (*recipe, error) {
	if tag == "" {
		own := b.tag()
		if own == "" {
			return nil, fmt.Errorf("base %s has no tag, which the image's own begins with: name a tag beside the digest, or give --tag", b.text)
		}
		tag = own + "-meltemi-" + r.version
	}
	return &recipe{name: "meltemi-" + path.Base(b.ref.Context().RepositoryStr()), tag: tag, files: []string{libraryFile}, onto: func(p v1.Platform) (v1.Image, string, error) {
		image, folder, err := r.configure(b, p)
		if err != nil {
			return nil, "", fmt.Errorf("base %s: %w", b.text, err)
		}
		return image, strings.TrimPrefix(folder, "/"), nil
	}}, nil
}

// tag is the base's, "" if it is named by its digest alone.
func (b *base) tag() string {
	if tag, ok := b.ref.(name.Tag); ok {
		return tag.TagStr()
	}
	before, _, _ := strings.Cut(b.text, "@")
	if tag, err := name.NewTag(before, name.StrictValidation); err == nil {
		return tag.TagStr()
	}
	return ""
}

// configure is the base with the configuration that the proxy image is to have.
func (r *release) configure(b *base, p v1.Platform) (image v1.Image, folder string, err error) {
	if image, err = b.image(p); err != nil {
		return nil, "", err
	}
	if folder, err = folderFor(image); err != nil {
		return nil, "", err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, "", err
	}
	if _, ok := searchPathOf(config); !ok {
		config.Config.Env = append(config.Config.Env, searchPath+"="+folder)
	}
	config.Config.Env = append(config.Config.Env, proxyMark)
	all := with(config.Config.Labels)
	// What the base tells of itself would be wrong for the whole, but for its licences.
	delete(all, label+"revision")
	maps.Copy(all, with(r.labels("Envoy with Meltemi", b.text+" with libmeltemi.so"),
		libraryLabel, r.version, label+"base.name", b.ref.Name(), label+"base.digest", b.got.Digest.String()))
	config.Config.Labels = all
	config.Created = v1.Time{Time: r.date}
	image, err = mutate.ConfigFile(image, config)
	return image, folder, err
}
