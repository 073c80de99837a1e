// Package moduleinfo tells what a shared library of Meltemi carries, without loading
// it: the build puts a description into a section of the ELF file, or of the Wasm
// module.
package moduleinfo

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Section is the section that holds an [Info] in JSON.
const Section = ".meltemi.codecs"

// Interface is the version of the interface between a library and what it carries. A
// codec or a filter that was written for another one does not compile, or must not be
// composed.
const Interface = 2

// maxSection bounds what Read takes.
const maxSection = 16 << 20

// ErrNone is the error of a file without the section.
var ErrNone = errors.New("it has no section " + Section + ", which the libraries of Meltemi have")

// Info is what a library carries.
type Info struct {
	Interface int      `json:"interface"`
	Go        string   `json:"go"` // the toolchain that built it
	Codecs    []Codec  `json:"codecs"`
	Filters   []Filter `json:"filters"`
}

// Codec is a codec of a library.
type Codec struct {
	Name         string          `json:"name"`
	Summary      string          `json:"summary"`
	Capabilities []string        `json:"capabilities"`
	Schema       json.RawMessage `json:"schema,omitempty"` // of its configuration
}

// Describe describes lists of codecs and filters, in their order. The error names one
// that a library could not carry: without a name or with that of another, a codec that
// cannot be made without a configuration, or one whose schema is no JSON.
func Describe(codecs []sdk.Definition, filters []filter.Definition) (*Info, error) {
	info := &Info{Interface: Interface, Go: runtime.Version(), Codecs: []Codec{}, Filters: []Filter{}}
	for i := range codecs {
		d := &codecs[i]
		switch {
		case d.Name == "" || d.New == nil:
			return nil, fmt.Errorf("codec %d has no name or no constructor", i)
		case slices.ContainsFunc(codecs[:i], func(other sdk.Definition) bool { return other.Name == d.Name }):
			return nil, fmt.Errorf("two codecs are named %s", d.Name)
		}
		codec, err := d.New(nil)
		if err != nil {
			return nil, fmt.Errorf("codec %s without a configuration: %w", d.Name, err)
		}
		c := Codec{Name: d.Name, Summary: d.Summary, Capabilities: capabilities(codec)}
		if c.Schema, err = schema(d.Schema); err != nil {
			return nil, fmt.Errorf("codec %s: %w", d.Name, err)
		}
		info.Codecs = append(info.Codecs, c)
	}
	return info, info.describeFilters(filters)
}

var errSchema = errors.New("its schema is no JSON")

// schema is a schema in JSON, nil if there is none.
func schema(text string) (json.RawMessage, error) {
	if text == "" {
		return nil, nil
	}
	if !json.Valid([]byte(text)) {
		return nil, errSchema
	}
	return json.RawMessage(text), nil
}

// capabilities are the optional interfaces that a codec has.
func capabilities(codec sdk.Codec) []string {
	has := []string{}
	add := func(name string, ok bool) {
		if ok {
			has = append(has, name)
		}
	}
	_, heartbeats := codec.(sdk.Heartbeater)
	_, probes := codec.(sdk.Prober)
	_, goAway := codec.(sdk.GoAwayer)
	_, names := codec.(sdk.ReplyNamer)
	_, sniffs := codec.(sdk.Sniffer)
	ordered, isOrdered := codec.(sdk.Ordered)
	_, state := codec.(sdk.PerConnection)
	_, statuses := codec.(sdk.StatusTable)
	_, views := codec.(sdk.Viewer)
	_, arguments := codec.(sdk.ArgumentReader)
	_, keys := codec.(sdk.Keyer)
	_, requests := codec.(sdk.RequestBuilder)
	_, responses := codec.(sdk.ResponseBuilder)
	add("heartbeat-reply", heartbeats)
	add("heartbeat", probes)
	add("go-away", goAway)
	add("name-reply", names)
	add("sniff", sniffs)
	add("in-order", isOrdered && ordered.InOrder())
	add("connection-state", state)
	add("statuses", statuses)
	add("view", views)
	add("arguments", arguments)
	add("keys", keys)
	add("build-request", requests)
	add("build-response", responses)
	return has
}

// Read reads the description of the library in a file. The error names the file.
func Read(path string) (*Info, error) {
	f, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return info, nil
}

func read(f *os.File) (*Info, error) {
	text, err := section(f)
	if err != nil {
		return nil, err
	}
	var info Info
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, fmt.Errorf("section %s: %w", Section, err)
	}
	if info.Interface != Interface {
		return nil, fmt.Errorf("its interface has version %d, and this program knows %d", info.Interface, Interface)
	}
	return &info, nil
}

// section is the content of the section.
func section(f *os.File) ([]byte, error) {
	magic := make([]byte, len(wasmMagic))
	if _, err := f.ReadAt(magic, 0); err == nil && string(magic) == wasmMagic {
		return wasmSection(f)
	}
	library, err := elf.NewFile(f)
	if err != nil {
		return nil, fmt.Errorf("no ELF file, and no Wasm module: %w", err)
	}
	s := library.Section(Section)
	if s == nil {
		return nil, ErrNone
	}
	if s.Size > maxSection {
		return nil, fmt.Errorf("section %s: %d bytes are too many", Section, s.Size)
	}
	return s.Data()
}

// Names are the names of the codecs, sorted.
func (i *Info) Names() []string {
	names := make([]string, 0, len(i.Codecs))
	for _, c := range i.Codecs {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}
