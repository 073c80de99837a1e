package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// bomType is the media type of a CycloneDX bill of materials in JSON.
const bomType = "application/vnd.cyclonedx+json"

// bom is the bill of materials of what holds some files: each file with its hash and the
// modules in it, each module with its version and licence. It follows CycloneDX 1.6, has
// no serial number, and the release's date, so that the same files have the same bill.
func (r *release) bom(name string, files []file) ([]byte, error) {
	bom := cdx.NewBOM()
	top := cdx.Component{BOMRef: name, Type: cdx.ComponentTypeApplication, Name: name, Version: r.version, Licenses: licences([]string{licence})}
	bom.Metadata = &cdx.Metadata{Timestamp: r.date.Format(time.RFC3339), Component: &top}
	var components []cdx.Component
	ofTop := cdx.Dependency{Ref: name, Dependencies: &[]string{}}
	var dependencies []cdx.Dependency
	for _, f := range files {
		text, err := os.ReadFile(f.path)
		if err != nil {
			return nil, err
		}
		hash := sha256.Sum256(text)
		ref := "file:" + f.name
		components = append(components, cdx.Component{
			BOMRef: ref, Type: cdx.ComponentTypeFile, Name: f.name, Version: r.version, Licenses: licences([]string{licence}),
			Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(hash[:])}},
		})
		*ofTop.Dependencies = append(*ofTop.Dependencies, ref)
		uses := make([]string, 0, len(f.uses))
		for _, d := range union([]file{f}) {
			uses = append(uses, d.purl())
		}
		dependencies = append(dependencies, cdx.Dependency{Ref: ref, Dependencies: &uses})
	}
	for _, d := range union(files) {
		notices, err := r.folders.notices(d)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", d.path, d.version, err)
		}
		c := cdx.Component{BOMRef: d.purl(), Type: cdx.ComponentTypeLibrary, Name: d.path, Version: d.version, PackageURL: d.purl(), Licenses: licences(identify(notices))}
		if d.sum != "" {
			c.Properties = &[]cdx.Property{{Name: "go.sum", Value: d.sum}}
		}
		components = append(components, c)
	}
	dependencies = append([]cdx.Dependency{ofTop}, dependencies...)
	bom.Components, bom.Dependencies = &components, &dependencies
	var text bytes.Buffer
	err := cdx.NewBOMEncoder(&text, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6)
	return text.Bytes(), err
}

// purl is the package URL of a module; see the type golang of its specification.
func (d dependency) purl() string {
	version := d.version
	if d.path == standard {
		version = strings.TrimPrefix(version, "go")
	}
	return "pkg:golang/" + d.path + "@" + strings.ReplaceAll(version, "+", "%2B")
}

// licences are all of which hold at once, nil for none.
func licences(names []string) *cdx.Licenses {
	switch len(names) {
	case 0:
		return nil
	case 1:
		return &cdx.Licenses{{License: &cdx.License{ID: names[0]}}}
	}
	return &cdx.Licenses{{Expression: strings.Join(names, " AND ")}}
}

// attach makes an artifact of a bill of materials, which refers to an image in the same
// repository: registries list it among the image's referrers.
func attach(bom []byte, subject v1.Descriptor) (v1.Image, error) {
	artifact := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), bomType)
	artifact, err := mutate.AppendLayers(artifact, static.NewLayer(bom, bomType))
	if err != nil {
		return nil, err
	}
	about, ok := mutate.Subject(artifact, v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("an artifact about %v is no image", subject.Digest) // a defect of package mutate
	}
	return about, nil
}
