package mesh

import (
	"context"
	"encoding/json"
	"net"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
)

// Thrift is a client of Apache Thrift on one connection, which it never makes anew.
type Thrift struct {
	client thrift.TClient
	conn   net.Conn
}

// DialThrift dials from the pod. The connection is closed at the test's end.
func (p *Pod) DialThrift(address string) *Thrift {
	p.t().Helper()
	conn, err := p.Dial(p.t().Context(), "tcp", address)
	p.must(err)
	return p.Thrift(conn)
}

// Thrift is a client on a connection that is open already, such as one with TLS.
func (p *Pod) Thrift(conn net.Conn) *Thrift {
	p.t().Cleanup(func() { _ = conn.Close() })
	protocol := thrift.NewTBinaryProtocolConf(thrift.NewTFramedTransportConf(thrift.NewStreamTransportRW(conn), nil), nil)
	return &Thrift{thrift.NewTStandardClient(protocol, thrift.NewTMultiplexedProtocol(protocol, "Orders")), conn}
}

// Call calls a method of the service Orders, and returns which server, one of `meltemi
// serve`, answered. It takes 10 s at most.
func (t *Thrift) Call(method string) (server string, err error) {
	if err := t.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", err
	}
	var answer thriftAnswer
	if _, err := t.client.Call(context.Background(), method, nothing{}, &answer); err != nil {
		return "", err
	}
	var seen struct {
		Server string `json:"server"`
	}
	if err := json.Unmarshal([]byte(answer.text), &seen); err != nil {
		return "", err
	}
	return seen.Server, nil
}

// nothing are the arguments of a method without any.
type nothing struct{}

// Write implements thrift.TStruct.
func (nothing) Write(ctx context.Context, p thrift.TProtocol) error {
	if err := p.WriteStructBegin(ctx, "args"); err != nil {
		return err
	}
	if err := p.WriteFieldStop(ctx); err != nil {
		return err
	}
	return p.WriteStructEnd(ctx)
}

// Read implements thrift.TStruct.
func (nothing) Read(ctx context.Context, p thrift.TProtocol) error {
	return p.Skip(ctx, thrift.STRUCT)
}

// thriftAnswer is the result of a method that returns a string.
type thriftAnswer struct {
	nothing

	text string
}

// Read implements thrift.TStruct.
func (a *thriftAnswer) Read(ctx context.Context, p thrift.TProtocol) error {
	if _, err := p.ReadStructBegin(ctx); err != nil {
		return err
	}
	for {
		_, kind, id, err := p.ReadFieldBegin(ctx)
		switch {
		case err != nil:
			return err
		case kind == thrift.STOP:
			return p.ReadStructEnd(ctx)
		case kind == thrift.STRING && id == 0: // the result; others are exceptions
			a.text, err = p.ReadString(ctx)
		default:
			err = p.Skip(ctx, kind)
		}
		if err != nil {
			return err
		}
	}
}
