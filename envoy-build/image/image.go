package main

import (
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// recipe is how an image is made, the same way for each platform.
type recipe struct {
	name  string   // the last element of its repository
	tag   string   // there
	files []string // what of the compiled it has
	// onto makes what the layer with the files goes onto, with its configuration, and
	// tells the folder that they are to be in.
	onto func(p v1.Platform) (image v1.Image, folder string, err error)
}

// product is an image for all platforms, with what refers to it.
type product struct {
	name, tag string
	index     v1.ImageIndex
	boms      []v1.Image // one a platform, attached to its image
}

// make makes an image for all platforms.
func (r *release) make(how *recipe) (*product, error) {
	p := &product{name: how.name, tag: how.tag}
	var images []mutate.IndexAddendum
	docker := false
	for _, platform := range r.platforms {
		image, bom, err := r.makeFor(platform, how)
		if err != nil {
			return nil, fmt.Errorf("%s for %v: %w", how.name, platform, err)
		}
		mediaType, err := image.MediaType()
		if err != nil {
			return nil, err
		}
		docker = docker || mediaType == types.DockerManifestSchema2
		images = append(images, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &platform}})
		p.boms = append(p.boms, bom)
	}
	index := mutate.AppendManifests(empty.Index, images...)
	if docker { // an image stays what its base is, and a list is of one kind
		p.index = mutate.IndexMediaType(index, types.DockerManifestList)
		return p, nil
	}
	annotated, ok := mutate.Annotations(mutate.IndexMediaType(index, types.OCIImageIndex), r.labels(how.name, "")).(v1.ImageIndex)
	if !ok {
		return nil, errors.New("an index with annotations is no index") // a defect of the package mutate
	}
	p.index = annotated
	return p, nil
}

func (r *release) makeFor(p v1.Platform, how *recipe) (image, bom v1.Image, err error) {
	image, folder, err := how.onto(p)
	if err != nil {
		return nil, nil, err
	}
	files, err := r.compiled(p, how.files)
	if err != nil {
		return nil, nil, err
	}
	entries, err := r.entries(files)
	if err != nil {
		return nil, nil, err
	}
	layer, err := newLayer(within(folder, entries), r.date, layerType(image))
	if err != nil {
		return nil, nil, err
	}
	image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{
		Created: v1.Time{Time: r.date}, CreatedBy: "meltemi " + r.version,
	}})
	if err != nil {
		return nil, nil, err
	}
	text, err := r.bom(how.name, files)
	if err != nil {
		return nil, nil, err
	}
	subject, err := partial.Descriptor(image)
	if err != nil {
		return nil, nil, err
	}
	bom, err = attach(text, *subject)
	return image, bom, err
}

// layerType is that of the layers of an image.
func layerType(image v1.Image) types.MediaType {
	if mediaType, err := image.MediaType(); err == nil && mediaType == types.DockerManifestSchema2 {
		return types.DockerLayer
	}
	return types.OCILayer
}
