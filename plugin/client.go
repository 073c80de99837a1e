package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	hashicorp "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/meltemi-mesh/meltemi/plugin/pluginpb"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
	"github.com/meltemi-mesh/meltemi/sdk/sdktest"
)

// startTimeout is how long a plugin may take to say that it is ready, and callTimeout
// how long a call of its codec may take.
const (
	startTimeout = 20 * time.Second
	callTimeout  = 30 * time.Second
)

// Client is a plugin that runs.
type Client struct {
	ctx     context.Context //nolint:containedctx // the methods of a codec take none
	process *hashicorp.Client
	codec   pluginpb.CodecClient
	about   *pluginpb.DescribeResponse
}

// Open starts the plugin in a file. When ctx is done, calls of its codec do not wait any
// more. The error names the file.
func Open(ctx context.Context, path string) (*Client, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	process := hashicorp.NewClient(&hashicorp.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          hashicorp.PluginSet{kind: &definition{}},
		Cmd:              exec.Command(path), //nolint:noctx // Close ends it
		AllowedProtocols: []hashicorp.Protocol{hashicorp.ProtocolGRPC},
		StartTimeout:     startTimeout,
		Stderr:           os.Stderr,
		Logger:           hclog.NewNullLogger(), // errors are returned
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		},
	})
	c, err := connect(ctx, process)
	if err != nil {
		process.Kill()
		return nil, fmt.Errorf("plugin %s: %w", path, err)
	}
	return c, nil
}

func connect(ctx context.Context, process *hashicorp.Client) (*Client, error) {
	rpc, err := process.Client()
	if err != nil {
		reason, _, _ := strings.Cut(err.Error(), "\n") // what follows is advice for programmers of hosts
		return nil, fmt.Errorf("it does not answer as a plugin does, whose main function calls plugin.Serve: %s", strings.TrimRight(reason, ": "))
	}
	raw, err := rpc.Dispense(kind)
	if err != nil {
		return nil, err
	}
	codec, ok := raw.(pluginpb.CodecClient)
	if !ok {
		return nil, errors.New("it carries no codec")
	}
	describing, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	about, err := codec.Describe(describing, &pluginpb.DescribeRequest{})
	if err != nil {
		return nil, err
	}
	if about.GetInterface() != moduleinfo.Interface {
		return nil, fmt.Errorf("its interface has version %d, and this program knows %d", about.GetInterface(), moduleinfo.Interface)
	}
	return &Client{ctx: ctx, process: process, codec: codec, about: about}, nil
}

// Close ends the plugin's process.
func (c *Client) Close() { c.process.Kill() }

// Definition is the plugin's codec, for a list of codecs. What New makes works until
// Close. It has all the optional interfaces that tools use; what the codec lacks does
// nothing, or returns an error that says so. A call panics where the codec does, and when
// the process is gone.
func (c *Client) Definition() sdk.Definition {
	return sdk.Definition{Name: c.about.GetName(), Summary: c.about.GetSummary(), Schema: c.about.GetSchema(), New: c.make}
}

func (c *Client) make(config []byte) (sdk.Codec, error) {
	ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
	defer cancel()
	r, err := c.codec.New(ctx, &pluginpb.NewRequest{Config: config})
	if err != nil {
		return nil, err
	}
	if r.GetError() != nil {
		return nil, asError(r.GetError())
	}
	return newCodec(&codec{client: c, id: r.GetCodec(), inOrder: r.GetInOrder(), perConnection: r.GetPerConnection()}), nil
}

// Checker is a codec that is checked in its own process; [sdktest.Check] elsewhere could
// not see its memory.
type Checker interface {
	// Conformance makes the checks of a suite, whose Codec it does not need. Without
	// frames the codec makes its own, and if it cannot, that is the error.
	Conformance(ctx context.Context, s sdktest.Suite) (*sdktest.Report, error)
}

// Conformance implements Checker.
func (c *codec) Conformance(ctx context.Context, s sdktest.Suite) (*sdktest.Report, error) {
	defer runtime.KeepAlive(c) // no release overtakes the call
	s.Codec = nil
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	r, err := c.client.codec.Conformance(ctx, &pluginpb.ConformanceRequest{Codec: c.id, Suite: text})
	if err != nil {
		return nil, fmt.Errorf("plugin: %w", err)
	}
	if r.GetProblem() != "" {
		return nil, errors.New(r.GetProblem())
	}
	report := &sdktest.Report{}
	return report, json.Unmarshal(r.GetReport(), report)
}
