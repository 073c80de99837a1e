package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"

	"github.com/meltemi-mesh/meltemi/plugin/pluginpb"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// codec stands for the codec in the plugin. When nobody has it any more, the plugin
// forgets its own.
type codec struct {
	client        *Client
	id            uint64
	inOrder       bool
	perConnection bool
}

// newCodec returns c after it has arranged for its release. sdk.PerConnection tells
// nobody that a connection is over, so the garbage collector has to, which runs at least
// every two minutes.
func newCodec(c *codec) *codec {
	client := c.client
	runtime.AddCleanup(c, func(id uint64) {
		go client.release(id) // the runtime's cleanups must not wait for a plugin
	}, c.id)
	return c
}

// release lets the plugin forget a codec. If that fails, the process is gone or ends with
// the command, so there is nobody to tell.
func (c *Client) release(id uint64) {
	ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
	defer cancel()
	_, _ = c.codec.Release(ctx, &pluginpb.ReleaseRequest{Codec: id})
}

// must is the answer of a call that can only fail if the process is gone. Until then c is
// not garbage, so that no release overtakes the call.
func must[T any](c *codec, f func(ctx context.Context) (T, error)) T {
	ctx, cancel := context.WithTimeout(c.client.ctx, callTimeout)
	defer cancel()
	defer runtime.KeepAlive(c)
	r, err := f(ctx)
	if err != nil {
		panic(fmt.Sprintf("the plugin does not answer: %v", err))
	}
	return r
}

// Name implements sdk.Codec.
func (c *codec) Name() string { return c.client.about.GetName() }

// InOrder implements sdk.Ordered.
func (c *codec) InOrder() bool { return c.inOrder }

// NewConnection implements sdk.PerConnection.
func (c *codec) NewConnection() sdk.Codec {
	if !c.perConnection {
		return c
	}
	r := must(c, func(ctx context.Context) (*pluginpb.NewConnectionResponse, error) {
		return c.client.codec.NewConnection(ctx, &pluginpb.NewConnectionRequest{Codec: c.id})
	})
	return newCodec(&codec{client: c.client, id: r.GetCodec(), inOrder: c.inOrder})
}

// firstBytes is how many bytes cross to look for a message, if no more are needed.
const firstBytes = 64 << 10

// Decode implements sdk.Codec.
func (c *codec) Decode(from sdk.Side, b []byte, m *sdk.Message) (int, error) {
	for part := min(len(b), firstBytes); ; {
		r := must(c, func(ctx context.Context) (*pluginpb.MessageResponse, error) {
			return c.client.codec.Decode(ctx, &pluginpb.DecodeRequest{Codec: c.id, FromServer: from == sdk.FromServer, Bytes: b[:part]})
		})
		n, err := int(r.GetLength()), asError(r.GetError())
		if errors.Is(err, sdk.ErrNeedMore) && n <= len(b) && part < len(b) {
			part = min(len(b), max(n, 4*part))
			continue
		}
		restore(m, r.GetMessage())
		return n, err
	}
}

// Metadata implements sdk.Codec.
func (c *codec) Metadata(m *sdk.Message) error {
	r := must(c, func(ctx context.Context) (*pluginpb.MessageResponse, error) {
		return c.client.codec.Metadata(ctx, &pluginpb.MessageRequest{Codec: c.id, Message: describe(m)})
	})
	restore(m, r.GetMessage())
	return asError(r.GetError())
}

// Encode implements sdk.Codec.
func (c *codec) Encode(dst []byte, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	p := &pluginpb.Mutation{
		Service: mut.Service, Method: mut.Method, Set: describeEntries(mut.Set), Remove: mut.Remove, OptionalEntries: describeEntries(mut.Optional),
	}
	if mut.NewID {
		p.Id = &mut.ID
	}
	return c.appended(dst, func(ctx context.Context) (*pluginpb.BytesResponse, error) {
		return c.client.codec.Encode(ctx, &pluginpb.EncodeRequest{Codec: c.id, Message: describe(m), Mutation: p})
	})
}

// Reply implements sdk.Codec.
func (c *codec) Reply(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
	return c.appended(dst, func(ctx context.Context) (*pluginpb.BytesResponse, error) {
		return c.client.codec.Reply(ctx, &pluginpb.ReplyRequest{
			Codec: c.id, Id: call.ID, Token: call.Token, Service: call.Service, Method: call.Method,
			Cause: uint32(f.Cause), Code: uint32(f.Code), Text: []byte(f.Message),
		})
	})
}

// appended calls a method that appends.
func (c *codec) appended(dst []byte, f func(ctx context.Context) (*pluginpb.BytesResponse, error)) ([]byte, error) {
	r := must(c, f)
	return append(dst, r.GetBytes()...), asError(r.GetError())
}

// HeartbeatReply implements sdk.Heartbeater.
func (c *codec) HeartbeatReply(dst []byte, m *sdk.Message) []byte {
	dst, _ = c.appended(dst, func(ctx context.Context) (*pluginpb.BytesResponse, error) {
		return c.client.codec.HeartbeatReply(ctx, &pluginpb.MessageRequest{Codec: c.id, Message: describe(m)})
	})
	return dst
}

// Heartbeat implements sdk.Prober.
func (c *codec) Heartbeat(dst []byte, id uint64) []byte {
	dst, _ = c.appended(dst, func(ctx context.Context) (*pluginpb.BytesResponse, error) {
		return c.client.codec.Heartbeat(ctx, &pluginpb.HeartbeatRequest{Codec: c.id, Id: id})
	})
	return dst
}

// GoAway implements sdk.GoAwayer.
func (c *codec) GoAway(dst []byte) []byte {
	dst, _ = c.appended(dst, func(ctx context.Context) (*pluginpb.BytesResponse, error) {
		return c.client.codec.GoAway(ctx, &pluginpb.GoAwayRequest{Codec: c.id})
	})
	return dst
}

// BuildRequest implements sdk.RequestBuilder.
func (c *codec) BuildRequest(dst []byte, r sdk.Request) ([]byte, error) {
	arguments := make([]argument, 0, len(r.Arguments))
	for _, a := range r.Arguments {
		arguments = append(arguments, argument(a))
	}
	text, err := json.Marshal(arguments)
	if err != nil {
		return dst, fmt.Errorf("arguments: %w", err)
	}
	return c.appended(dst, func(ctx context.Context) (*pluginpb.BytesResponse, error) {
		return c.client.codec.BuildRequest(ctx, &pluginpb.BuildRequestRequest{
			Codec: c.id, Id: r.ID, Service: []byte(r.Service), Method: []byte(r.Method), Arguments: text, Payload: r.Payload,
			Metadata: describeEntries(r.Metadata), TimeoutNanoseconds: int64(r.Timeout), OneWay: r.OneWay,
		})
	})
}

// BuildResponse implements sdk.ResponseBuilder.
func (c *codec) BuildResponse(dst []byte, req *sdk.Message, r sdk.Response) ([]byte, error) {
	p := &pluginpb.BuildResponseRequest{Codec: c.id, Request: describe(req), Metadata: describeEntries(r.Metadata)}
	if r.Exception != nil {
		p.Exception = &pluginpb.Exception{Type: r.Exception.Type, Message: r.Exception.Message}
	} else {
		var err error
		if p.Result, err = json.Marshal(r.Result); err != nil {
			return dst, fmt.Errorf("result: %w", err)
		}
	}
	return c.appended(dst, func(ctx context.Context) (*pluginpb.BytesResponse, error) {
		return c.client.codec.BuildResponse(ctx, p)
	})
}

// View implements sdk.Viewer.
func (c *codec) View(m *sdk.Message) (sdk.View, error) {
	r := must(c, func(ctx context.Context) (*pluginpb.ViewResponse, error) {
		return c.client.codec.View(ctx, &pluginpb.MessageRequest{Codec: c.id, Message: describe(m)})
	})
	if r.GetError() != nil {
		return sdk.View{}, asError(r.GetError())
	}
	var crossing view
	if err := decodeJSON(r.GetView(), &crossing); err != nil {
		return sdk.View{}, fmt.Errorf("view: %w", err)
	}
	v := sdk.View{Result: crossing.Result, Exception: crossing.Exception}
	for _, a := range crossing.Arguments {
		v.Arguments = append(v.Arguments, sdk.Argument(a))
	}
	for _, f := range crossing.Fields {
		v.Fields = append(v.Fields, sdk.Entry{Key: []byte(f[0]), Value: []byte(f[1])})
	}
	return v, nil
}
