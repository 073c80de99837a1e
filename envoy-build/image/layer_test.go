package main

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// packed is a file of a layer or an archive.
type packed struct {
	mode int64
	text string
}

// unpack reads a tar, and checks what is the same for all files that we pack: their
// date, their owner, their order.
func unpack(t *testing.T, content io.Reader) map[string]packed {
	t.Helper()
	files := map[string]packed{}
	last := ""
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(testDate) || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("%s: %v, owner %d %d %q %q", h.Name, h.ModTime, h.Uid, h.Gid, h.Uname, h.Gname)
		}
		if h.Name <= last {
			t.Errorf("%s comes behind %s", h.Name, last)
		}
		last = h.Name
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir != strings.HasSuffix(h.Name, "/") {
			t.Errorf("%s is of type %c", h.Name, h.Typeflag)
		}
		files[h.Name] = packed{h.Mode, string(text)}
	}
}

// lastLayer is what the last layer of an image has.
func lastLayer(t *testing.T, image v1.Image) map[string]packed {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[len(layers)-1].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	return unpack(t, content)
}

// checkFiles compares files in a folder of a layer or an archive with compiled ones, and
// wants nothing else there but folders, licences and others.
func checkFiles(t *testing.T, got map[string]packed, folder, platform string, names []string, others ...string) {
	t.Helper()
	want := map[string]bool{folder + "LICENSE": true, folder + "LICENSES-OF-MODULES": true}
	if folder != "" {
		want[folder] = true
	}
	for _, name := range others {
		want[folder+name] = true
	}
	for _, name := range names {
		want[folder+name] = true
		compiled := string(readFile(t, binaries(t)+"/"+strings.ReplaceAll(platform, "/", "_")+"/"+name))
		if file := got[folder+name]; file.text != compiled || file.mode != 0o755 {
			t.Errorf("%s has %d bytes and mode %o, %d were compiled", name, len(file.text), file.mode, len(compiled))
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	for name := range got {
		if !want[name] {
			t.Errorf("there is %s", name)
		}
	}
	if got[folder+"LICENSE"].text != string(readFile(t, root(t)+"/LICENSE")) {
		t.Error("LICENSE is another one")
	}
	// All our compiled files have the standard library in them.
	if text := got[folder+"LICENSES-OF-MODULES"].text; !strings.Contains(text, "==== std go1.") || !strings.Contains(text, "The Go Authors") {
		t.Errorf("LICENSES-OF-MODULES does not have Go's: %.200s", text)
	}
}
