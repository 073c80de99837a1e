package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/supervisor"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/moduleconfig"
	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

// checkCodecs judges what a mesh file says under codec as the shared library will. The
// library tells which codecs it carries. Without one, or if it does not tell, it is
// taken to carry those of this program.
func checkCodecs(builtin []sdk.Definition, library string) (mesh.CheckCodec, error) {
	codecs := builtin
	if library != "" {
		info, err := moduleinfo.Read(library)
		switch {
		case errors.Is(err, moduleinfo.ErrNone):
		case err != nil:
			return nil, cli.Usagef("%w", err)
		default:
			codecs = codecsOf(info, builtin)
		}
	}
	return func(config []byte) error { return moduleconfig.Check(config, codecs) }, nil
}

// findLibrary finds the shared library that the flag --library names, or the default
// one, and what its codecs accept. The library may be empty.
func findLibrary(path string, builtin []sdk.Definition) (library string, check mesh.CheckCodec, err error) {
	if library, err = supervisor.FindLibrary(path); err != nil {
		return "", nil, cli.Usagef("%w", err)
	}
	check, err = checkCodecs(builtin, library)
	return library, check, err
}

// codecsOf returns the codecs of a library. Of those that this program does not know,
// the configuration has to be an object; the rest is for Envoy to find out.
func codecsOf(info *moduleinfo.Info, builtin []sdk.Definition) []sdk.Definition {
	codecs := make([]sdk.Definition, 0, len(info.Codecs))
	for i := range info.Codecs {
		c := &info.Codecs[i]
		if at := slices.IndexFunc(builtin, func(d sdk.Definition) bool { return d.Name == c.Name }); at >= 0 {
			codecs = append(codecs, builtin[at])
			continue
		}
		codecs = append(codecs, sdk.Definition{Name: c.Name, Summary: c.Summary, New: func(config []byte) (sdk.Codec, error) {
			if config = bytes.TrimSpace(config); len(config) > 0 && (config[0] != '{' || !json.Valid(config)) {
				return nil, errors.New("no JSON object")
			}
			unknown := foreignCodec{name: c.Name}
			if slices.Contains(c.Capabilities, "sniff") {
				return foreignSniffer{unknown}, nil
			}
			return unknown, nil
		}})
	}
	return codecs
}

// foreignCodec stands for a codec that only the library has. Nobody calls it.
type foreignCodec struct {
	sdk.Codec
	name string
}

func (c foreignCodec) Name() string { return c.name }

// foreignSniffer is one that recognises its protocol.
type foreignSniffer struct{ foreignCodec }

// Sniff implements sdk.Sniffer.
func (foreignSniffer) Sniff([]byte) sdk.Match { return sdk.MatchMaybe }
