package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// release is what is packed.
type release struct {
	binaries  string // a folder with one for each platform, as compile.sh fills them
	root      string // of the repository, for what is not compiled
	version   string
	revision  string // the commit; "" if it is not known
	date      time.Time
	platforms []v1.Platform
	folders   goFolders
}

// newRelease checks what the flags say.
func newRelease(ctx context.Context, f *flags) (*release, error) {
	r := &release{binaries: f.binaries, root: f.root, version: f.version, revision: f.revision, date: time.Unix(f.date, 0).UTC()}
	switch {
	case f.version == "":
		return nil, errors.New("--version is not given")
	case f.date < 0:
		return nil, fmt.Errorf("--date %d is before 1970", f.date)
	case len(f.platforms) == 0:
		return nil, errors.New("--platform is empty")
	}
	for _, text := range f.platforms {
		system, architecture, _ := strings.Cut(text, "/")
		if _, known := machines[architecture]; system != "linux" || !known {
			return nil, fmt.Errorf("--platform %s: there are linux/amd64 and linux/arm64", text)
		}
		r.platforms = append(r.platforms, v1.Platform{OS: system, Architecture: architecture})
	}
	var err error
	r.folders, err = findGoFolders(ctx)
	return r, err
}
