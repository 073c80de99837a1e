package thrift

import (
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
)

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "thrift",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "transport": {
      "description": "The only transport that is taken, and the one of built requests. auto: each message tells; framed is built.",
      "enum": ["auto", "framed", "unframed", "theader", "ttheader"],
      "default": "auto"
    },
    "protocol": {
      "description": "The only protocol that is taken, and the one of built requests. binary has a version (strict), lax has none. auto: each message tells; binary is built. With ttheader it can only be binary.",
      "enum": ["auto", "binary", "lax", "compact"],
      "default": "auto"
    },
    "replies": {
      "description": "How replies are paired with calls: in_order suits every client, by_id lets replies overtake each other and suits clients that give each open call an id of its own (Node.js, Kitex with multiplexing, fbthrift).",
      "enum": ["in_order", "by_id"],
      "default": "in_order"
    },
    "oneway": {
      "description": "Methods that get no reply although their calls do not say so (clients in Go, of Kitex, and of generators before Thrift 0.9.3), as messages name them: ping, or Greeter:ping of a multiplexed service.",
      "type": "array",
      "items": {"type": "string", "minLength": 1, "maxLength": 65535},
      "default": []
    },
    "exceptions_as": {
      "description": "The gRPC codes that exceptions count as in metrics, retries and outlier detection.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "application": {
          "description": "Exceptions declared in the IDL, and business errors of Kitex.",
          "type": "string",
          "default": "FAILED_PRECONDITION"
        },
        "other": {
          "description": "Exceptions that the server made of undeclared ones: the types UNKNOWN and INTERNAL_ERROR.",
          "type": "string",
          "default": "UNKNOWN"
        }
      }
    }
  }
}`

// Definition returns the codec for the list of a binary.
func Definition() sdk.Definition {
	return sdk.Definition{
		Name:    "thrift",
		Summary: "Apache Thrift (framed, unframed, THeader; binary, compact) and Kitex (TTHeader)",
		Schema:  schema,
		New:     newCodec,
	}
}

// settings are the configuration as it is written.
type settings struct {
	Transport    string   `json:"transport"`
	Protocol     string   `json:"protocol"`
	Replies      string   `json:"replies"`
	Oneway       []string `json:"oneway"`
	ExceptionsAs struct {
		Application string `json:"application"`
		Other       string `json:"other"`
	} `json:"exceptions_as"`
}

func newCodec(config []byte) (sdk.Codec, error) {
	var s settings
	if err := sdk.ParseConfig(config, &s); err != nil {
		return nil, err
	}
	c := &Codec{meant: sdk.FailedPrecondition, other: sdk.Unknown}
	err := errors.Join(
		choose(&c.transport, &c.anyTransport, "transport", s.Transport, framed, unframed, theader, ttheader),
		choose(&c.protocol, &c.anyProtocol, "protocol", s.Protocol, strict, lax, compact),
		c.setReplies(s.Replies),
		c.setOneway(s.Oneway),
		sdk.SetCode(&c.meant, "exceptions_as.application", s.ExceptionsAs.Application),
		sdk.SetCode(&c.other, "exceptions_as.other", s.ExceptionsAs.Other),
	)
	if err != nil {
		return nil, err
	}
	if !c.anyTransport && c.transport == ttheader && !c.expects(strict) {
		return nil, fmt.Errorf("protocol: ttheader carries binary, not %s", s.Protocol)
	}
	return c, nil
}

// choose sets one to the option with that name, or every if the name is "auto".
func choose[T fmt.Stringer](one *T, every *bool, field, name string, options ...T) error {
	if *every = name == "" || name == "auto"; *every {
		return nil
	}
	for _, o := range options {
		if o.String() == name {
			*one = o
			return nil
		}
	}
	return fmt.Errorf("%s: %q is not auto or one of %v", field, name, options)
}

func (c *Codec) setReplies(name string) error {
	switch name {
	case "", "in_order":
		c.inOrder = true
	case "by_id":
	default:
		return fmt.Errorf("replies: %q is not in_order or by_id", name)
	}
	return nil
}

func (c *Codec) setOneway(names []string) error {
	c.oneway = make(map[string]bool, len(names))
	for i, name := range names {
		if err := checkName(name); err != nil {
			return fmt.Errorf("oneway[%d]: %w", i, err)
		}
		c.oneway[name] = true
	}
	return nil
}
