package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	r := meltemi(t, "", "conformance", "dubbo")
	if r.code != cli.Good || !strings.Contains(r.stdout, "ok    replies") || !strings.Contains(r.stdout, "made these messages itself") {
		t.Errorf("%+v", r)
	}
	for _, name := range sdktest.Checks() {
		if !strings.Contains(r.stdout, name) {
			t.Errorf("the report lacks %s", name)
		}
	}
}

func TestConformanceOfCaptures(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("heartbeat.hex", "dabbe200 00000000 00000001 00000001 4e # a heartbeat\n")
	r := meltemi(t, "", "conformance", "dubbo", dir, "-o", "json", "--only", "decode")
	if r.code != cli.Good || !strings.Contains(r.stdout, `"verdict": "passed"`) {
		t.Errorf("%+v", r)
	}
	write("oneway.hex", "dabbe200 00000000 00000001 00000001 4e\n") // it is none
	r = meltemi(t, "", "conformance", "dubbo", dir)
	if r.code != cli.Failed || !strings.Contains(r.stdout, "FAIL  decode") || !strings.Contains(r.stdout, "oneway: is read as heartbeat, not as oneway") {
		t.Errorf("%+v", r)
	}
	write("what.hex", "00")
	r = meltemi(t, "", "conformance", "dubbo", dir)
	if r.code != cli.Usage || !strings.Contains(r.stderr, "what.hex: the name of a frame begins with its kind, such as request-what") {
		t.Errorf("%+v", r)
	}
}

func TestConformanceUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"no codec \"nothing\"":       {"nothing"},
		"--only: no check \"x\"":     {"dubbo", "--only", "x"},
		"no such file or directory":  {"dubbo", "/no/such/file"},
		"has no file *.hex or *.bin": {"dubbo", t.TempDir()},
		"--plugin: plugin /bin/true": {"dubbo", "--plugin", "/bin/true"},
		"--output: no format":        {"dubbo", "-o", "xml"},
	} {
		r := meltemi(t, "", append([]string{"conformance"}, args...)...)
		if r.code != cli.Usage || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: %+v, want %q", args, r, want)
		}
	}
}
