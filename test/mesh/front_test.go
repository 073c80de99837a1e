package mesh

import (
	"context"
	"net"

	"github.com/apache/thrift/lib/go/thrift"
)

// front is an application with Apache Thrift: it answers each call with the answer to one
// of its own, and Thrift's server passes on the headers that make both one trace.
type front struct {
	pod      *Pod
	behind   string // the address of the service that it calls
	listener net.Listener
}

// startFront starts it in a pod, at a port of all addresses, until the test's end.
func startFront(pod *Pod, address, behind string) {
	pod.t().Helper()
	f := &front{pod: pod, behind: behind}
	var err error
	pod.Within(func() { f.listener, err = (&net.ListenConfig{}).Listen(pod.t().Context(), "tcp", address) })
	pod.must(err)
	server := thrift.NewTSimpleServer4(f, f, thrift.NewTHeaderTransportFactoryConf(nil, nil), thrift.NewTHeaderProtocolFactoryConf(nil))
	server.SetForwardHeaders([]string{"traceparent", "tracestate"})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve() }()
	pod.t().Cleanup(func() {
		_ = f.listener.Close()
		<-ended
	})
}

// Process implements thrift.TProcessor.
func (f *front) Process(ctx context.Context, in, out thrift.TProtocol) (bool, thrift.TException) {
	name, _, id, err := in.ReadMessageBegin(ctx)
	if err == nil {
		err = in.Skip(ctx, thrift.STRUCT)
	}
	if err != nil {
		return false, thrift.WrapTException(err)
	}
	answer := &result{}
	if err = f.call(ctx, answer); err == nil {
		err = out.WriteMessageBegin(ctx, name, thrift.REPLY, id)
	}
	if err == nil {
		err = answer.Write(ctx, out)
	}
	if err == nil {
		err = out.Flush(ctx)
	}
	return err == nil, thrift.WrapTException(err)
}

// call calls the service behind, on a connection for this one call.
func (f *front) call(ctx context.Context, answer thrift.TStruct) error {
	conn, err := f.pod.Dial(ctx, "tcp", f.behind)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	protocol := thrift.NewTHeaderProtocolConf(thrift.NewTHeaderTransportConf(thrift.NewTSocketFromConnConf(conn, nil), nil), nil)
	_, err = thrift.NewTStandardClient(protocol, protocol).Call(ctx, "list", &result{}, answer)
	return err
}

// ProcessorMap and AddToProcessorMap implement thrift.TProcessor. No method is known.
func (f *front) ProcessorMap() map[string]thrift.TProcessorFunction  { return nil }
func (f *front) AddToProcessorMap(string, thrift.TProcessorFunction) {}

// Listen and the methods below implement thrift.TServerTransport.
func (f *front) Listen() error    { return nil }
func (f *front) Close() error     { return f.listener.Close() }
func (f *front) Interrupt() error { return f.listener.Close() }

func (f *front) Accept() (thrift.TTransport, error) {
	conn, err := f.listener.Accept()
	if err != nil {
		return nil, err
	}
	return thrift.NewTSocketFromConnConf(conn, nil), nil
}

// result is the struct that Thrift's messages hold: arguments if it is empty, else the
// result, a text.
type result struct{ text string }

// Write implements thrift.TStruct.
func (r *result) Write(ctx context.Context, out thrift.TProtocol) error {
	if r.text != "" {
		if err := out.WriteFieldBegin(ctx, "success", thrift.STRING, 0); err != nil {
			return err
		}
		if err := out.WriteString(ctx, r.text); err != nil {
			return err
		}
	}
	return out.WriteFieldStop(ctx)
}

// Read implements thrift.TStruct.
func (r *result) Read(ctx context.Context, in thrift.TProtocol) error {
	for {
		_, kind, id, err := in.ReadFieldBegin(ctx)
		switch {
		case err != nil:
			return err
		case kind == thrift.STOP:
			return nil
		case kind == thrift.STRING && id == 0:
			r.text, err = in.ReadString(ctx)
		default:
			err = in.Skip(ctx, kind)
		}
		if err != nil {
			return err
		}
	}
}
