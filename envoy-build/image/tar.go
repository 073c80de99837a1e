package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// entry is a file of a layer or an archive, or a folder if its name ends with a slash.
type entry struct {
	name string // without a slash in front
	mode int64
	text []byte
}

// within puts entries into a folder, which comes along.
func within(folder string, entries []entry) []entry {
	if folder == "" {
		return entries
	}
	all := []entry{{name: folder + "/", mode: 0o755}}
	for _, e := range entries {
		e.name = path.Join(folder, e.name)
		all = append(all, e)
	}
	return all
}

// writeTar writes entries sorted by name, as files of root, and with one date: the same
// entries give the same bytes.
func writeTar(w io.Writer, entries []entry, date time.Time) error {
	out := tar.NewWriter(w)
	for _, e := range slices.SortedFunc(slices.Values(entries), func(a, b entry) int { return cmp.Compare(a.name, b.name) }) {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: int64(len(e.text)), ModTime: date, Format: tar.FormatUSTAR}
		if strings.HasSuffix(e.name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := out.WriteHeader(header); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if _, err := out.Write(e.text); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return out.Close()
}

// newLayer packs entries.
func newLayer(entries []entry, date time.Time, mediaType types.MediaType) (v1.Layer, error) {
	var packed bytes.Buffer
	if err := writeTar(&packed, entries, date); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(mediaType), tarball.WithCompressionLevel(compression), tarball.WithCompressedCaching)
}

// compression is the level of gzip, fixed for the same bytes everywhere.
const compression = 6
