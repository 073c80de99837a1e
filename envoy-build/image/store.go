package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// save writes an image as an OCI layout, in place of what is in the folder of its name.
func (p *product) save(folder string) (string, error) {
	target := filepath.Join(folder, p.name)
	if _, err := layout.FromPath(target); err != nil && !os.IsNotExist(err) {
		return "", fmt.Errorf("%s is there, and is no OCI layout: %w", target, err)
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(folder, "."+p.name+".*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	half := filepath.Join(work, "layout")
	if err := p.write(half); err != nil {
		return "", fmt.Errorf("writing %s: %w", target, err)
	}
	if err := os.RemoveAll(target); err != nil {
		return "", err
	}
	return target, os.Rename(half, target)
}

func (p *product) write(folder string) error {
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendIndex(p.index, layout.WithAnnotations(map[string]string{label + "ref.name": p.tag})); err != nil {
		return err
	}
	for _, bom := range p.boms {
		if err := path.AppendImage(bom); err != nil {
			return err
		}
	}
	return nil
}

// push sends an image, and what refers to it, to a repository below prefix, such as
// registry.example/team. Accounts are those that docker login has stored.
func (p *product) push(ctx context.Context, prefix string) (name.Digest, error) {
	tag, err := name.NewTag(prefix + "/" + p.name + ":" + p.tag)
	if err != nil {
		return name.Digest{}, fmt.Errorf("--push: %w", err)
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if err := remote.WriteIndex(tag, p.index, options...); err != nil {
		return name.Digest{}, fmt.Errorf("pushing %s: %w", tag, err)
	}
	for _, bom := range p.boms {
		digest, err := bom.Digest()
		if err != nil {
			return name.Digest{}, err
		}
		if err := remote.Write(tag.Context().Digest(digest.String()), bom, options...); err != nil {
			return name.Digest{}, fmt.Errorf("pushing the bill of materials of %s: %w", tag, err)
		}
	}
	digest, err := p.index.Digest()
	return tag.Context().Digest(digest.String()), err
}
