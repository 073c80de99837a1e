package main

import (
	"bytes"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/codecs/thrift"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// protocol is an RPC protocol that Envoy has a native filter for: how the proxies are
// configured for it, which call is made, and where the load finds its way in a frame.
type protocol struct {
	definition sdk.Definition
	config     string  // of the codec
	native     subject // Envoy's own filter
	request    sdk.Request
	argument   string // its type
	frame      framing

	traces bool // its requests have a place for tracing headers
	brief  bool // fewer cells unless all are wanted
}

func (p *protocol) name() string { return p.definition.Name }

// framing is where things stand in a frame. Numbers are big-endian.
type framing struct {
	lengthAt, behind int // the length, of four bytes, and what it does not count
	idAt, idSize     int
	outcomeAt        int // a byte
	good             byte
}

// head is how much of a frame tells its length.
func (f *framing) head() int { return f.lengthAt + 4 }

func (f *framing) length(head []byte) int {
	return f.behind + int(getNumber(head[f.lengthAt:f.head()]))
}

// service and method are the call's, as far as the protocol has names for them.
const (
	service = "bench.Echo"
	method  = "echo"
)

func protocols() []*protocol {
	return []*protocol{
		{
			definition: dubbo.Definition(), native: subject{name: "dubbo_proxy", client: rpc, server: rpc}, config: "{}",
			// With the attachments that a Dubbo consumer sends.
			request: sdk.Request{
				Service: service, Method: method, Timeout: time.Minute,
				Metadata: []sdk.Entry{entry("version", "1.0.0"), entry("remote.application", "bench")},
			},
			argument: "java.lang.String",
			// Source: Apache Dubbo, ExchangeCodec. The outcome is the status OK.
			frame:  framing{lengthAt: 12, behind: 16, idAt: 4, idSize: 8, outcomeAt: 3, good: 20},
			traces: true,
		},
		{
			// As thrift_proxy, which reads a call while another one is open and sends
			// replies as they come, each with the id of its call.
			// Source: Envoy 1.39.1, thrift_proxy/conn_manager.cc.
			definition: thrift.Definition(), native: subject{name: "thrift_proxy", client: rpc, server: rpc},
			config:  `{"transport": "framed", "protocol": "binary", "replies": "by_id"}`,
			request: sdk.Request{Method: method}, argument: "string",
			// Source: Apache Thrift, thrift-rpc.md and thrift-binary-protocol.md: a
			// length, the version and the type of the message, which is REPLY, the name
			// of the method behind its length, and the id.
			frame: framing{lengthAt: 0, behind: 4, idAt: 12 + len(method), idSize: 4, outcomeAt: 7, good: 2},
			brief: true,
		},
	}
}

func entry(key, value string) sdk.Entry { return sdk.Entry{Key: []byte(key), Value: []byte(value)} }

// protocolOf returns nil if there is none of that name.
func protocolOf(name string) *protocol {
	for _, p := range protocols() {
		if p.name() == name {
			return p
		}
	}
	return nil
}

// newExchange makes the exchange with an argument of that many bytes: an echo.
func (p *protocol) newExchange(payload int) (*exchange, error) {
	argument := tokenMark + strings.Repeat("0", tokenDigits)
	argument += strings.Repeat("x", max(0, payload-len(argument)))
	codec, err := p.definition.New([]byte(p.config))
	if err != nil {
		return nil, err
	}
	builder, ok := codec.(interface {
		sdk.RequestBuilder
		sdk.ResponseBuilder
	})
	if !ok {
		return nil, errNoBuilder
	}
	e := exchange{framing: p.frame}
	call := p.request
	call.Arguments = []sdk.Argument{{Type: p.argument, Value: argument}}
	if e.request, err = builder.BuildRequest(nil, call); err != nil {
		return nil, err
	}
	var m sdk.Message
	if _, err := codec.Decode(sdk.FromClient, e.request, &m); err != nil {
		return nil, err
	}
	m.Bytes = e.request
	if err := codec.Metadata(&m); err != nil {
		return nil, err
	}
	if e.reply, err = builder.BuildResponse(nil, &m, sdk.Response{Result: argument}); err != nil {
		return nil, err
	}
	e.requestToken = bytes.Index(e.request, []byte(tokenMark)) + len(tokenMark)
	e.replyToken = bytes.Index(e.reply, []byte(tokenMark)) + len(tokenMark)
	e.contentType = "application/grpc+" + p.name()
	e.headers = headersOf(p.name(), e.contentType, &m)
	return &e, nil
}
