package scaffold

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	m := Module{Kind: Codec, Name: "my-ledger", Module: "example.com/my-ledger", Folder: filepath.Join(t.TempDir(), "x"), SDK: "/a b/meltemi", Version: "v0.0.0", Program: "meltemi"}
	names, err := m.Write()
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(m.Folder, name))
		if err != nil {
			t.Fatal(err)
		}
		written.Write(text)
	}
	all := written.String()
	for _, want := range []string{
		"package myledger\n", `replace github.com/meltemi-mesh/meltemi => "/a b/meltemi"`, "codec: my-ledger\n",
		"$(MELTEMI) build", `--sdk "/a b/meltemi"`, `codec "example.com/my-ledger"`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q", want)
		}
	}
	if strings.Contains(all, "{{") || strings.Contains(all, "<no value>") {
		t.Error("a template was left unfilled")
	}
	if _, err := m.Write(); err == nil || !strings.Contains(err.Error(), "is there already, and not empty") {
		t.Errorf("a second time: %v", err)
	}
}

func TestWriteFilter(t *testing.T) {
	m := Module{Kind: Filter, Name: "my-quota", Module: "example.com/my-quota", Folder: t.TempDir(), SDK: "/a b/meltemi", Version: "v0.0.0", Program: "meltemi"}
	names, err := m.Write()
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(m.Folder, name))
		if err != nil {
			t.Fatal(err)
		}
		written.Write(text)
	}
	all := written.String()
	for _, want := range []string{"package myquota\n", `Name:        "my-quota"`, "- name: my-quota\n", "module example.com/my-quota\n"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q", want)
		}
	}
	if strings.Contains(all, "{{") || strings.Contains(all, "<no value>") {
		t.Error("a template was left unfilled")
	}
	if _, err := (&Module{Kind: Filter, Name: "Quota", Module: "example.com/x"}).Write(); err == nil || !strings.Contains(err.Error(), "is no name of a filter") {
		t.Errorf("%v", err)
	}
}

func TestAPublishedVersion(t *testing.T) {
	m := Module{Kind: Codec, Name: "ledger", Module: "example.com/ledger", Folder: t.TempDir(), Version: "v1.2.3", Program: "meltemi"}
	if _, err := m.Write(); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(m.Folder, "go.mod"))
	if err != nil || strings.Contains(string(mod), "replace") || !strings.Contains(string(mod), "meltemi v1.2.3") {
		t.Errorf("%v\n%s", err, mod)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"Ledger": "is no name of a codec", "": "is no name of a codec", "a/b": "is no name of a codec",
		"7up": "is no name of a codec", "a-": "is no name of a codec", "a_b": "is no name of a codec",
		"type": "the keyword type", "func": "the keyword func", "go-to": "the keyword goto",
		"main": "a Go package main is a program", "ma-in": "a Go package main is a program",
		"true": "it is no string", "null": "it is no string",
		"dubbo": "is a codec of Meltemi itself",
	} {
		m := Module{Kind: Codec, Name: name, Module: "example.com/x", Folder: t.TempDir(), Taken: []string{"brpc", "dubbo"}}
		if names, err := m.Write(); err == nil || !strings.Contains(err.Error(), want) || len(names) > 0 {
			t.Errorf("%q: %v, wrote %v", name, err, names)
		}
	}
	for path, want := range map[string]string{
		"not a path": "malformed import path", "example.com/internal": "the element internal", "example.com/internal/ledger": "the element internal",
	} {
		m := Module{Kind: Codec, Name: "ledger", Module: path, Folder: t.TempDir()}
		if _, err := m.Write(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
