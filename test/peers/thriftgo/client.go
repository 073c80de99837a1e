package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/meltemi-mesh/meltemi/test/peers/program"
	"github.com/meltemi-mesh/meltemi/test/peers/thriftgo/peer"
)

// client has one connection, which is made by the first call, and anew by the next one
// when it is lost.
type client struct {
	address  string
	settings settings
	config   *thrift.TConfiguration

	transport thrift.TTransport
	protocol  thrift.TProtocol
	services  map[string]*peer.LaterClient
}

func dial(address, word string, timeout time.Duration) (program.Client, error) {
	c := &client{address: address, config: &thrift.TConfiguration{ConnectTimeout: timeout, SocketTimeout: timeout}}
	var err error
	c.settings, err = parseSettings(word, c.config)
	return c, err
}

// open makes the connection, unless it is there and sound.
func (c *client) open() error {
	if c.transport != nil && c.transport.IsOpen() {
		return nil
	}
	c.Close()
	transport, err := c.settings.transports.GetTransport(thrift.NewTSocketConf(c.address, c.config))
	if err != nil {
		return err
	}
	if err := transport.Open(); err != nil {
		return err
	}
	c.transport, c.protocol, c.services = transport, c.settings.protocols.GetProtocol(transport), map[string]*peer.LaterClient{}
	return nil
}

// Close implements program.Client.
func (c *client) Close() {
	if c.transport != nil {
		_ = c.transport.Close() // it may be lost
		c.transport = nil
	}
}

// service is a client of a service, which a server knows only if it is multiplexed.
func (c *client) service(name string) *peer.LaterClient {
	if known, ok := c.services[name]; ok {
		return known
	}
	// A client that knows a THeaderProtocol takes the headers from a context, and those
	// away that are set already; a multiplexed one does not know it.
	var out thrift.TProtocol = struct{ thrift.TProtocol }{c.protocol}
	if c.settings.multiplexed {
		out = thrift.NewTMultiplexedProtocol(c.protocol, name)
	}
	c.services[name] = peer.NewLaterClient(thrift.NewTStandardClient(c.protocol, out))
	return c.services[name]
}

// call makes one call, with headers if the transport has them.
func (c *client) call(service string, headers map[string]string, call func(context.Context, *peer.LaterClient) (any, error)) (any, error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	if theader, ok := c.protocol.(*thrift.THeaderProtocol); ok {
		theader.ClearWriteHeaders()
		for key, value := range headers {
			theader.SetWriteHeader(key, value)
		}
	}
	result, err := call(context.Background(), c.service(service))
	if class, _, _ := c.Classify(err); err != nil && class != applicationException && class != declared {
		c.Close() // what came was no answer, or none came
	}
	return result, err
}

// seen is what the server of the last call saw of the header lane.
func (c *client) seen() (lane string, ok bool) {
	theader, ok := c.protocol.(*thrift.THeaderProtocol)
	if !ok {
		return "", false
	}
	return theader.GetReadHeaders()[seenHeader], true
}

// The classes of errors that are answers.
const (
	applicationException = "TApplicationException"
	declared             = "Declared"
)

// Classify implements program.Client.
func (*client) Classify(err error) (class, number, text string) {
	if err == nil {
		return "", "", ""
	}
	if exception, ok := errors.AsType[*peer.Declared](err); ok {
		return declared, strconv.Itoa(int(exception.Code)), exception.Message
	}
	if exception, ok := errors.AsType[thrift.TApplicationException](err); ok {
		return applicationException, strconv.Itoa(int(exception.TypeId())), program.FirstLine(err)
	}
	return fmt.Sprintf("%T", err), "", program.FirstLine(err)
}
