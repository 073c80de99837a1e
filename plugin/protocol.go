package plugin

import (
	"context"
	"errors"
	"strings"

	hashicorp "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/meltemi-mesh/meltemi/plugin/pluginpb"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// handshake tells a plugin from another program, and one version of the protocol from
// the next. It is no secret.
var handshake = hashicorp.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "MELTEMI_PLUGIN",
	MagicCookieValue: "codec",
}

// kind is the name under which go-plugin finds a codec.
const kind = "codec"

// maxMessage bounds what crosses between the processes: the greatest message of a
// codec, and something around it.
const maxMessage = 4 * sdk.DefaultMaxMessage

// definition is a codec as go-plugin knows it, for both sides.
type definition struct {
	hashicorp.NetRPCUnsupportedPlugin
	codec *sdk.Definition // in the plugin
}

// GRPCServer implements go-plugin's GRPCPlugin, in the plugin.
func (d *definition) GRPCServer(_ *hashicorp.GRPCBroker, s *grpc.Server) error {
	pluginpb.RegisterCodecServer(s, newServer(d.codec))
	return nil
}

// GRPCClient implements go-plugin's GRPCPlugin, in the command line.
func (*definition) GRPCClient(_ context.Context, _ *hashicorp.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return pluginpb.NewCodecClient(c), nil
}

// errorOf describes an error of a codec, and nil for none.
func errorOf(err error) *pluginpb.Error {
	var call *sdk.CallError
	var connection *sdk.ConnectionError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sdk.ErrNeedMore):
		return &pluginpb.Error{Severity: pluginpb.Error_NEED_MORE}
	case errors.As(err, &call):
		return &pluginpb.Error{
			Severity: pluginpb.Error_CALL, Cause: uint32(call.Cause), Element: valid(call.Element),
			Offset: int64(call.Offset), Text: textOf(call.Err),
		}
	case errors.As(err, &connection):
		return &pluginpb.Error{
			Severity: pluginpb.Error_CONNECTION, Element: valid(connection.Element), Offset: int64(connection.Offset), Text: textOf(connection.Err),
		}
	}
	return &pluginpb.Error{Text: textOf(err)}
}

// valid is s as a text of protobuf, which is UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return valid(err.Error())
}

// asError is the error that a codec returned. A panic of the codec panics here, too, as
// it would have without another process.
func asError(e *pluginpb.Error) error {
	if e == nil {
		return nil
	}
	var why error
	if e.Text != "" {
		why = errors.New(e.Text)
	}
	switch e.Severity {
	case pluginpb.Error_NEED_MORE:
		return sdk.ErrNeedMore
	case pluginpb.Error_CALL:
		return &sdk.CallError{Cause: sdk.Cause(min(e.Cause, 255)), Element: e.Element, Offset: int(e.Offset), Err: why}
	case pluginpb.Error_CONNECTION:
		return &sdk.ConnectionError{Element: e.Element, Offset: int(e.Offset), Err: why}
	case pluginpb.Error_PANIC:
		panic("in the plugin: " + e.Text)
	case pluginpb.Error_SEVERITY_UNSPECIFIED:
	}
	return why
}

// describe copies a message for the other process.
func describe(m *sdk.Message) *pluginpb.Message {
	p := &pluginpb.Message{
		Kind: uint32(m.Kind), Id: m.ID, Token: m.Token, Bytes: m.Bytes, Service: m.Service, Method: m.Method,
		TimeoutNanoseconds: int64(m.Timeout), Code: uint32(m.Status.Code), Native: int64(m.Status.Native),
		StatusMessage: m.Status.Message, Entries: describeEntries(m.Entries()),
	}
	for _, n := range m.Notes {
		p.Notes = append(p.Notes, int64(n))
	}
	return p
}

func describeEntries(entries []sdk.Entry) []*pluginpb.Entry {
	list := make([]*pluginpb.Entry, 0, len(entries))
	for _, e := range entries {
		list = append(list, &pluginpb.Entry{Key: e.Key, Value: e.Value})
	}
	return list
}

func entriesOf(list []*pluginpb.Entry) []sdk.Entry {
	entries := make([]sdk.Entry, 0, len(list))
	for _, e := range list {
		entries = append(entries, sdk.Entry{Key: e.GetKey(), Value: e.GetValue()})
	}
	return entries
}

// restore fills m with what another process described. The bytes of m stay, if there
// are any: they are the same, and whoever has m may rely on where they are.
func restore(m *sdk.Message, p *pluginpb.Message) {
	own := m.Bytes
	m.Reset()
	m.Kind, m.ID, m.Token = sdk.Kind(min(p.GetKind(), 255)), p.GetId(), p.GetToken()
	if m.Bytes = own; own == nil {
		m.Bytes = p.GetBytes()
	}
	m.Service, m.Method = p.GetService(), p.GetMethod()
	m.Timeout = duration(p.GetTimeoutNanoseconds())
	m.Status = sdk.Status{Code: sdk.Code(min(p.GetCode(), 255)), Native: int(p.GetNative()), Message: p.GetStatusMessage()}
	for _, e := range p.GetEntries() {
		m.Set(e.GetKey(), e.GetValue())
	}
	for i, n := range p.GetNotes() {
		if i < len(m.Notes) {
			m.Notes[i] = int(n)
		}
	}
}
