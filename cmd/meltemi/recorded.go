package main

import (
	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// autoCodec is the name that stands for the codec that a file of recorded calls tells.
const autoCodec = "auto"

// recordedCodecs makes the codecs of recorded calls.
type recordedCodecs struct {
	known  []sdk.Definition
	only   string // the codec whose calls are wanted, "" for all
	config string // instead of the file's, if it is not empty

	header *format.Header // of which made are
	made   map[string]*madeCodec
}

// madeCodec is a codec, or why there is none.
type madeCodec struct {
	codec sdk.Codec
	err   error
}

// of returns the codec of a call, as the header of its file configures it; nil for a call
// that is not wanted.
func (r *recordedCodecs) of(h *format.Header, c *format.Call) (sdk.Codec, error) {
	if r.only != "" && c.Codec != r.only {
		return nil, nil //nolint:nilnil // as told
	}
	made := r.make(h, c.Codec)
	return made.codec, made.err
}

// make makes a codec, once for each header.
func (r *recordedCodecs) make(h *format.Header, name string) *madeCodec {
	if r.header != h {
		r.header, r.made = h, map[string]*madeCodec{}
	}
	made := r.made[name]
	if made == nil {
		made = &madeCodec{}
		made.codec, made.err = makeCodec(r.known, name, r.configOf(name))
		r.made[name] = made
	}
	return made
}

func (r *recordedCodecs) configOf(name string) string {
	if r.config != "" {
		return r.config
	}
	for _, c := range r.header.Codecs {
		if c.Name == name {
			return string(c.Config)
		}
	}
	return ""
}
