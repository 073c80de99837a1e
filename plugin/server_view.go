package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/plugin/pluginpb"
	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errNoView      = errors.New("the codec shows no arguments (sdk.Viewer)")
	errNoRequests  = errors.New("the codec builds no requests (sdk.RequestBuilder)")
	errNoResponses = errors.New("the codec builds no responses (sdk.ResponseBuilder)")
)

// view is an sdk.View as it crosses between the processes.
type view struct {
	Arguments []argument     `json:"arguments,omitempty"`
	Result    any            `json:"result,omitempty"`
	Exception *sdk.Exception `json:"exception,omitempty"`
	Fields    [][2]string    `json:"fields,omitempty"`
}

type argument struct {
	Type  string `json:"type"`
	Value any    `json:"value"`
}

func (s *server) View(_ context.Context, r *pluginpb.MessageRequest) (*pluginpb.ViewResponse, error) {
	c, err := s.codec(r.GetCodec())
	if err != nil {
		return nil, err
	}
	out := &pluginpb.ViewResponse{}
	out.Error = guard(func() error {
		viewer, ok := c.(sdk.Viewer)
		if !ok {
			return errNoView
		}
		m := &sdk.Message{}
		restore(m, r.GetMessage())
		v, err := viewer.View(m)
		if err != nil {
			return err
		}
		crossing := view{Result: v.Result, Exception: v.Exception}
		for _, a := range v.Arguments {
			crossing.Arguments = append(crossing.Arguments, argument(a))
		}
		for _, f := range v.Fields {
			crossing.Fields = append(crossing.Fields, [2]string{string(f.Key), string(f.Value)})
		}
		out.View, err = json.Marshal(crossing)
		return err
	})
	return out, nil
}

func (s *server) BuildRequest(_ context.Context, r *pluginpb.BuildRequestRequest) (*pluginpb.BytesResponse, error) {
	return s.appended(r.GetCodec(), func(c sdk.Codec) ([]byte, error) {
		builder, ok := c.(sdk.RequestBuilder)
		if !ok {
			return nil, errNoRequests
		}
		request := sdk.Request{
			ID: r.GetId(), Service: string(r.GetService()), Method: string(r.GetMethod()), Payload: r.GetPayload(),
			Metadata: entriesOf(r.GetMetadata()), Timeout: duration(r.GetTimeoutNanoseconds()), OneWay: r.GetOneWay(),
		}
		var arguments []argument
		if err := decodeJSON(r.GetArguments(), &arguments); err != nil {
			return nil, fmt.Errorf("arguments: %w", err)
		}
		for _, a := range arguments {
			request.Arguments = append(request.Arguments, sdk.Argument(a))
		}
		return builder.BuildRequest(nil, request)
	})
}

func (s *server) BuildResponse(_ context.Context, r *pluginpb.BuildResponseRequest) (*pluginpb.BytesResponse, error) {
	return s.appended(r.GetCodec(), func(c sdk.Codec) ([]byte, error) {
		builder, ok := c.(sdk.ResponseBuilder)
		if !ok {
			return nil, errNoResponses
		}
		m := &sdk.Message{}
		restore(m, r.GetRequest())
		response := sdk.Response{Metadata: entriesOf(r.GetMetadata())}
		if e := r.GetException(); e != nil {
			response.Exception = &sdk.Exception{Type: e.GetType(), Message: e.GetMessage()}
		}
		if err := decodeJSON(r.GetResult(), &response.Result); err != nil {
			return nil, fmt.Errorf("result: %w", err)
		}
		return builder.BuildResponse(nil, m, response)
	})
}

// decodeJSON decodes as package sdk wants it, with numbers as json.Number. No text
// leaves into as it is.
func decodeJSON(text []byte, into any) error {
	if len(text) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}
