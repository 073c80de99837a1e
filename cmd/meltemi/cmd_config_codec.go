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

// checkLibrary judges what a mesh file says of codecs and filters as the shared library
// will. The library tells what it carries. Without one, or if it does not tell, it is
// taken to carry what this program does.
func checkLibrary(builtin []sdk.Definition, library string) (mesh.Check, error) {
	codecs, filters := builtin, builtinFilters()
	if library != "" {
		info, err := moduleinfo.Read(library)
		switch {
		case errors.Is(err, moduleinfo.ErrNone):
		case err != nil:
			return mesh.Check{}, cli.Usagef("%w", err)
		default:
			codecs, filters = codecsOf(info, builtin), filtersOf(info, filters)
		}
	}
	return mesh.Check{
		Codec:  func(config []byte) error { return moduleconfig.Check(config, codecs) },
		Filter: func(name string, config []byte) error { return moduleconfig.CheckFilter(name, config, codecs, filters) },
		Route:  func(name string, config []byte) error { return moduleconfig.CheckRoute(name, config, filters) },
	}, nil
}

// findLibrary finds the shared library that the flag --library names, or the default
// one, and what it accepts. The library may be empty.
func findLibrary(path string, builtin []sdk.Definition) (library string, check mesh.Check, err error) {
	if library, err = supervisor.FindLibrary(path); err != nil {
		return "", mesh.Check{}, cli.Usagef("%w", err)
	}
	check, err = checkLibrary(builtin, library)
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
			if err := checkObject(config); err != nil {
				return nil, err
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

// checkObject checks the configuration of what only the library has.
func checkObject(config []byte) error {
	if config = bytes.TrimSpace(config); len(config) > 0 && (config[0] != '{' || !json.Valid(config)) {
		return errors.New("no JSON object")
	}
	return nil
}

// foreignCodec stands for a codec that only the library has. Nobody calls it.
type foreignCodec struct {
	sdk.Codec
	name string
}

func (c foreignCodec) Name() string { return c.name }

// CheckPath implements sdk.ArgumentReader: which paths there are is for Envoy to find out.
func (foreignCodec) CheckPath(*sdk.Path) error { return nil }

// AppendArgument implements sdk.ArgumentReader. Nobody calls it.
func (foreignCodec) AppendArgument(dst []byte, _ *sdk.Message, _ *sdk.Path) (text []byte, found bool, err error) {
	return dst, false, nil
}

// foreignSniffer is one that recognises its protocol.
type foreignSniffer struct{ foreignCodec }

// Sniff implements sdk.Sniffer.
func (foreignSniffer) Sniff([]byte) sdk.Match { return sdk.MatchMaybe }
