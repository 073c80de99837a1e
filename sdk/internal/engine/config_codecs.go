package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// addCodecs makes the codecs that the configuration names.
func (c *Config) addCodecs(p *problems, raw *rawConfig, known []sdk.Definition) {
	c.auto = len(raw.Auto) > 0
	switch {
	case c.auto && raw.Name != "":
		p.add("name and auto exclude each other")
	case c.auto && raw.Config != nil:
		p.add("config: with auto, each codec has its own: {\"auto\": [{\"name\": ..., \"config\": ...}]}")
	case c.auto:
		for i, item := range raw.Auto {
			one := struct {
				Name   string          `json:"name"`
				Config json.RawMessage `json:"config"`
			}{}
			field := fmt.Sprintf("auto[%d]", i)
			if json.Unmarshal(item, &one.Name) != nil {
				if err := sdk.ParseConfig(item, &one); err != nil {
					p.add("%s: %w", field, err)
					continue
				}
			}
			c.addCodec(p, field, one.Name, one.Config, known)
		}
	case raw.Name == "":
		p.add("name: missing; this library knows %s", names(known))
	default:
		c.addCodec(p, "name", raw.Name, raw.Config, known)
	}
	for i, k := range c.kinds {
		if c.auto && k.sniffer == nil {
			p.add("auto[%d]: codec %q cannot recognise its protocol, so it cannot share a port", i, c.codecs[i].Name())
		}
	}
}

func (c *Config) addCodec(p *problems, field, name string, config []byte, known []sdk.Definition) {
	at := slices.IndexFunc(known, func(d sdk.Definition) bool { return d.Name == name })
	if at < 0 {
		p.add("%s: unknown codec %q; this library knows %s", field, name, names(known))
		return
	}
	codec, err := known[at].New(config)
	if err != nil {
		p.add("codec %q: config: %w", name, err)
		return
	}
	for _, other := range c.codecs {
		if other.Name() == codec.Name() {
			p.add("%s: codec %q is named twice", field, name)
			return
		}
	}
	c.codecs = append(c.codecs, codec)
	c.codecConfigs = append(c.codecConfigs, config)
	c.contentTypes = append(c.contentTypes, []byte("application/grpc+"+codec.Name()))
	c.kinds = append(c.kinds, kindOf(codec))
}

func kindOf(codec sdk.Codec) codecKind {
	k := codecKind{}
	if o, ok := codec.(sdk.Ordered); ok {
		k.ordered = o.InOrder()
	}
	k.heartbeater, _ = codec.(sdk.Heartbeater)
	k.prober, _ = codec.(sdk.Prober)
	k.goAwayer, _ = codec.(sdk.GoAwayer)
	k.replyNamer, _ = codec.(sdk.ReplyNamer)
	k.oneWayDoubter, _ = codec.(sdk.OneWayDoubter)
	k.sniffer, _ = codec.(sdk.Sniffer)
	k.perConnection, _ = codec.(sdk.PerConnection)
	return k
}

func names(known []sdk.Definition) string {
	list := make([]string, len(known))
	for i, d := range known {
		list[i] = d.Name
	}
	return strings.Join(list, ", ")
}
