package dubbo

import (
	"github.com/meltemi-mesh/meltemi/sdk"
)

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "dubbo",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "exceptions_as": {
      "description": "The gRPC codes that exceptions count as in metrics, retries and outlier detection.",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "application": {
          "description": "Exceptions of the application's own classes.",
          "type": "string",
          "default": "FAILED_PRECONDITION"
        },
        "other": {
          "description": "Exceptions of Java's and Dubbo's classes.",
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
		Name:    "dubbo",
		Summary: "Dubbo 2 over TCP (Apache Dubbo 2.5 to 3.3, dubbo-go), Hessian 2, fastjson2 and fastjson",
		Schema:  schema,
		New:     newCodec,
	}
}

func newCodec(config []byte) (sdk.Codec, error) {
	var raw struct {
		ExceptionsAs struct {
			Application string `json:"application"`
			Other       string `json:"other"`
		} `json:"exceptions_as"`
	}
	if err := sdk.ParseConfig(config, &raw); err != nil {
		return nil, err
	}
	c := &Codec{meant: sdk.FailedPrecondition, other: sdk.Unknown}
	if err := sdk.SetCode(&c.meant, "exceptions_as.application", raw.ExceptionsAs.Application); err != nil {
		return nil, err
	}
	if err := sdk.SetCode(&c.other, "exceptions_as.other", raw.ExceptionsAs.Other); err != nil {
		return nil, err
	}
	return c, nil
}
