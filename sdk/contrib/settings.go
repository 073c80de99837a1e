package contrib

import (
	"encoding/json"
	"fmt"

	xds "github.com/cncf/xds/go/xds/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// settingsOf returns the JSON in a plugin's configuration: the text of a StringValue,
// as in the dynamic module, or what a TypedStruct or a Struct holds, which is how Envoy
// spells JSON within its own configuration. Numbers of those two are floating-point.
// There is none: nil.
func settingsOf(config *anypb.Any) ([]byte, error) {
	if config.GetTypeUrl() == "" {
		return nil, nil
	}
	var (
		text  wrapperspb.StringValue
		typed xds.TypedStruct
		plain structpb.Struct
	)
	for _, message := range []proto.Message{&text, &typed, &plain} {
		if !config.MessageIs(message) {
			continue
		}
		if err := config.UnmarshalTo(message); err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
		switch message {
		case &text:
			return []byte(text.GetValue()), nil
		case &typed:
			return json.Marshal(typed.GetValue().AsMap())
		}
		return json.Marshal(plain.AsMap())
	}
	return nil, fmt.Errorf("configuration of type %s: it must be google.protobuf.StringValue with JSON, xds.type.v3.TypedStruct or google.protobuf.Struct",
		config.GetTypeUrl())
}
