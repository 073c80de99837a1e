package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meltemi-mesh/meltemi/plugin/pluginpb"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

func duration(nanoseconds int64) time.Duration { return time.Duration(nanoseconds) }

// server answers for a codec, in the plugin.
type server struct {
	pluginpb.UnimplementedCodecServer
	definition *sdk.Definition

	mu     sync.Mutex
	codecs map[uint64]sdk.Codec // those that were made, and those of connections
	last   uint64
}

func newServer(d *sdk.Definition) *server {
	return &server{definition: d, codecs: map[uint64]sdk.Codec{}}
}

func (s *server) add(c sdk.Codec) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.codecs[s.last] = c
	return s.last
}

func (s *server) codec(id uint64) (sdk.Codec, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.codecs[id]; c != nil {
		return c, nil
	}
	return nil, status.Errorf(codes.NotFound, "there is no codec %d", id)
}

// guard calls f and makes a panic an error that says so.
func guard(f func() error) (e *pluginpb.Error) {
	defer func() {
		if p := recover(); p != nil {
			e = &pluginpb.Error{Severity: pluginpb.Error_PANIC, Text: fmt.Sprintf("%v\n%s", p, debug.Stack())}
		}
	}()
	return errorOf(f())
}

func (s *server) Describe(context.Context, *pluginpb.DescribeRequest) (*pluginpb.DescribeResponse, error) {
	d := s.definition
	return &pluginpb.DescribeResponse{Name: d.Name, Summary: d.Summary, Schema: d.Schema, Interface: moduleinfo.Interface}, nil
}

func (s *server) New(_ context.Context, r *pluginpb.NewRequest) (*pluginpb.NewResponse, error) {
	out := &pluginpb.NewResponse{}
	out.Error = guard(func() error {
		c, err := s.definition.New(r.GetConfig())
		if err != nil {
			return err
		}
		if o, ok := c.(sdk.Ordered); ok {
			out.InOrder = o.InOrder()
		}
		_, out.PerConnection = c.(sdk.PerConnection)
		out.Codec = s.add(c)
		return nil
	})
	return out, nil
}

func (s *server) NewConnection(_ context.Context, r *pluginpb.NewConnectionRequest) (*pluginpb.NewConnectionResponse, error) {
	c, err := s.codec(r.GetCodec())
	if err != nil {
		return nil, err
	}
	p, ok := c.(sdk.PerConnection)
	if !ok {
		return nil, status.Error(codes.FailedPrecondition, "the codec has no connection state")
	}
	return &pluginpb.NewConnectionResponse{Codec: s.add(p.NewConnection())}, nil
}

func (s *server) Release(_ context.Context, r *pluginpb.ReleaseRequest) (*pluginpb.ReleaseResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.codecs, r.GetCodec())
	return &pluginpb.ReleaseResponse{}, nil
}

func (s *server) Decode(_ context.Context, r *pluginpb.DecodeRequest) (*pluginpb.MessageResponse, error) {
	c, err := s.codec(r.GetCodec())
	if err != nil {
		return nil, err
	}
	from := sdk.FromClient
	if r.GetFromServer() {
		from = sdk.FromServer
	}
	m, n := &sdk.Message{}, 0
	e := guard(func() (err error) {
		n, err = c.Decode(from, r.GetBytes(), m)
		return err
	})
	return &pluginpb.MessageResponse{Length: int64(n), Message: describe(m), Error: e}, nil
}

func (s *server) Metadata(_ context.Context, r *pluginpb.MessageRequest) (*pluginpb.MessageResponse, error) {
	c, err := s.codec(r.GetCodec())
	if err != nil {
		return nil, err
	}
	m := &sdk.Message{}
	restore(m, r.GetMessage())
	e := guard(func() error { return c.Metadata(m) })
	p := describe(m)
	p.Bytes = nil // the other side has them
	return &pluginpb.MessageResponse{Message: p, Error: e}, nil
}

// appended runs a method that appends.
func (s *server) appended(id uint64, f func(c sdk.Codec) ([]byte, error)) (*pluginpb.BytesResponse, error) {
	c, err := s.codec(id)
	if err != nil {
		return nil, err
	}
	out := &pluginpb.BytesResponse{}
	out.Error = guard(func() (err error) {
		out.Bytes, err = f(c)
		return err
	})
	return out, nil
}

func (s *server) Encode(_ context.Context, r *pluginpb.EncodeRequest) (*pluginpb.BytesResponse, error) {
	return s.appended(r.GetCodec(), func(c sdk.Codec) ([]byte, error) {
		m := &sdk.Message{}
		restore(m, r.GetMessage())
		p := r.GetMutation()
		mut := sdk.Mutation{
			NewID: p.Id != nil, ID: p.GetId(), Service: p.Service, Method: p.Method, //nolint:protogetter // nil leaves them
			Set: entriesOf(p.GetSet()), Remove: p.GetRemove(), Optional: entriesOf(p.GetOptionalEntries()),
		}
		return c.Encode(nil, m, &mut)
	})
}

func (s *server) Reply(_ context.Context, r *pluginpb.ReplyRequest) (*pluginpb.BytesResponse, error) {
	return s.appended(r.GetCodec(), func(c sdk.Codec) ([]byte, error) {
		return c.Reply(nil, sdk.Call{ID: r.GetId(), Token: r.GetToken(), Service: r.GetService(), Method: r.GetMethod()},
			sdk.Failure{Cause: sdk.Cause(min(r.GetCause(), 255)), Code: sdk.Code(min(r.GetCode(), 255)), Message: string(r.GetText())})
	})
}

func (s *server) HeartbeatReply(_ context.Context, r *pluginpb.MessageRequest) (*pluginpb.BytesResponse, error) {
	return s.appended(r.GetCodec(), func(c sdk.Codec) ([]byte, error) {
		h, ok := c.(sdk.Heartbeater)
		if !ok {
			return nil, nil
		}
		m := &sdk.Message{}
		restore(m, r.GetMessage())
		return h.HeartbeatReply(nil, m), nil
	})
}

func (s *server) Heartbeat(_ context.Context, r *pluginpb.HeartbeatRequest) (*pluginpb.BytesResponse, error) {
	return s.appended(r.GetCodec(), func(c sdk.Codec) ([]byte, error) {
		if p, ok := c.(sdk.Prober); ok {
			return p.Heartbeat(nil, r.GetId()), nil
		}
		return nil, nil
	})
}

func (s *server) GoAway(_ context.Context, r *pluginpb.GoAwayRequest) (*pluginpb.BytesResponse, error) {
	return s.appended(r.GetCodec(), func(c sdk.Codec) ([]byte, error) {
		if g, ok := c.(sdk.GoAwayer); ok {
			return g.GoAway(nil), nil
		}
		return nil, nil
	})
}

// Conformance checks the codec in this process.
func (s *server) Conformance(_ context.Context, r *pluginpb.ConformanceRequest) (*pluginpb.ConformanceResponse, error) {
	c, err := s.codec(r.GetCodec())
	if err != nil {
		return nil, err
	}
	var suite sdktest.Suite
	if err := json.NewDecoder(bytes.NewReader(r.GetSuite())).Decode(&suite); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "suite: %v", err)
	}
	suite.Codec = c
	if len(suite.Frames) == 0 {
		if suite.Frames, err = sdktest.Built(c); err != nil {
			return noConformance(err), nil
		}
	}
	report, err := sdktest.Check(suite)
	if err != nil {
		return noConformance(err), nil
	}
	text, err := json.Marshal(report)
	return &pluginpb.ConformanceResponse{Report: text}, err
}

func noConformance(err error) *pluginpb.ConformanceResponse {
	return &pluginpb.ConformanceResponse{Problem: valid(err.Error())}
}
