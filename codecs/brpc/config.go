package brpc

import (
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
)

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "brpc",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "dialect": {
      "description": "Where requests carry metadata. cpp: user_fields, with a request_id in field 7 of the request. java: ext_fields in that field, as in brpc-java. auto: each request tells by the form of the field; what is added to one without it becomes a user field.",
      "enum": ["auto", "cpp", "java"],
      "default": "auto"
    },
    "shared_credentials": {
      "description": "Pass requests with authentication_data. A server checks those of the first call on a connection and takes them for those of all that follow, and connections to servers are shared by all callers. So it is for callers that have the same credentials and send them with each call.",
      "type": "boolean",
      "default": false
    },
    "full_names": {
      "description": "Refuse services that are named without a package. A C++ server finds them by that name too, so a rule for the full name does not see them.",
      "type": "boolean",
      "default": false
    },
    "lower_case": {
      "description": "Show service and method in lower case, as brpc-java looks them up: its servers find them in any case, so a rule for one spelling does not see the others.",
      "type": "boolean",
      "default": false
    },
    "exceptions_as": {
      "description": "The gRPC codes that errors count as in metrics, retries and outlier detection.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "application": {
          "description": "Error codes of the application's own.",
          "type": "string",
          "default": "FAILED_PRECONDITION"
        },
        "other": {
          "description": "EINTERNAL, which servers make of errors and exceptions without a code.",
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
		Name:    "brpc",
		Summary: "bRPC baidu_std (Apache bRPC in C++, brpc-java)",
		Schema:  schema,
		New:     newCodec,
	}
}

// settings are the configuration as it is written.
type settings struct {
	Dialect           string `json:"dialect"`
	SharedCredentials bool   `json:"shared_credentials"`
	FullNames         bool   `json:"full_names"`
	LowerCase         bool   `json:"lower_case"`
	ExceptionsAs      struct {
		Application string `json:"application"`
		Other       string `json:"other"`
	} `json:"exceptions_as"`
}

func newCodec(config []byte) (sdk.Codec, error) {
	var s settings
	if err := sdk.ParseConfig(config, &s); err != nil {
		return nil, err
	}
	c := &Codec{
		sharedCredentials: s.SharedCredentials, fullNames: s.FullNames, lowerCase: s.LowerCase,
		meant: sdk.FailedPrecondition, other: sdk.Unknown,
	}
	err := errors.Join(
		c.setDialect(s.Dialect),
		sdk.SetCode(&c.meant, "exceptions_as.application", s.ExceptionsAs.Application),
		sdk.SetCode(&c.other, "exceptions_as.other", s.ExceptionsAs.Other),
	)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Codec) setDialect(name string) error {
	switch name {
	case "", "auto":
		c.dialect = dialectAuto
	case "cpp":
		c.dialect = dialectCPP
	case "java":
		c.dialect = dialectJava
	default:
		return fmt.Errorf("dialect: %q is not auto, cpp or java", name)
	}
	return nil
}
