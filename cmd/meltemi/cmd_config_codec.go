package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// checkCodecs judges what a mesh file says under codec by the codecs that this binary
// carries.
func checkCodecs(codecs []sdk.Definition) mesh.CheckCodec {
	return func(config []byte) error {
		var whole struct {
			Name   string            `json:"name"`
			Config json.RawMessage   `json:"config"`
			Auto   []json.RawMessage `json:"auto"`
		}
		if err := json.Unmarshal(config, &whole); err != nil {
			return err
		}
		if whole.Auto == nil {
			_, err := makeCodec(codecs, whole.Name, string(whole.Config))
			return err
		}
		var all []error
		for i, entry := range whole.Auto {
			if err := checkAuto(codecs, entry); err != nil {
				all = append(all, fmt.Errorf("auto[%d]: %w", i, err))
			}
		}
		return errors.Join(all...)
	}
}

// checkAuto judges an element of auto: a codec's name, or a mapping with name and
// config.
func checkAuto(codecs []sdk.Definition, entry json.RawMessage) error {
	var one struct {
		Name   string          `json:"name"`
		Config json.RawMessage `json:"config"`
	}
	if err := json.Unmarshal(entry, &one.Name); err != nil {
		if err := json.Unmarshal(entry, &one); err != nil {
			return err
		}
	}
	_, err := makeCodec(codecs, one.Name, string(one.Config))
	return err
}
