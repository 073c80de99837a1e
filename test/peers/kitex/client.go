package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	kitex "github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/pkg/remote"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/transport"

	"github.com/meltemi-mesh/meltemi/test/peers/kitex/kitex_gen/peer"
	"github.com/meltemi-mesh/meltemi/test/peers/kitex/kitex_gen/peer/later"
	service "github.com/meltemi-mesh/meltemi/test/peers/kitex/kitex_gen/peer/peer"
	"github.com/meltemi-mesh/meltemi/test/peers/program"
)

// client has a pool of connections, which is no larger than one for one thread.
type client struct {
	settings settings
	peer     service.Client
	later    later.Client
}

func dial(address, word string, timeout time.Duration) (program.Client, error) {
	s, err := parseSettings(word)
	if err != nil {
		return nil, err
	}
	klog.SetLevel(klog.LevelFatal)
	connections := kitex.WithLongConnection(connpool.IdleConfig{MaxIdlePerAddress: 8, MaxIdleTimeout: time.Minute})
	if s.mux {
		connections = kitex.WithMuxConnection(1)
	}
	options := []kitex.Option{
		kitex.WithHostPorts(address), kitex.WithTransportProtocol(s.transport), connections,
		kitex.WithRPCTimeout(timeout), kitex.WithConnectTimeout(timeout),
		kitex.WithMetaHandler(transmeta.ClientTTHeaderHandler), kitex.WithMetaHandler(clientHeaders{}),
	}
	c := &client{settings: s}
	if c.peer, err = service.NewClient("peer", options...); err != nil {
		return nil, err
	}
	c.later, err = later.NewClient("peer", options...)
	return c, err
}

// Close implements program.Client: a client of Kitex has no end.
func (*client) Close() {}

func (c *client) hasHeaders() bool { return c.settings.transport&transport.TTHeader != 0 }

// Classify implements program.Client. Kitex wraps the answer of a server in an error of
// its own, whose text begins with that.
func (*client) Classify(err error) (class, number, text string) {
	if exception, ok := errors.AsType[*peer.Declared](err); ok {
		return "Declared", strconv.Itoa(int(exception.Code)), exception.Message
	}
	if exception, ok := errors.AsType[*remote.TransError](err); ok && errors.Is(err, kerrors.ErrRemoteOrNetwork) {
		return "TApplicationException", strconv.Itoa(int(exception.TypeID())), program.FirstLine(exception)
	}
	return fmt.Sprintf("%T", err), "", program.FirstLine(err)
}

// call makes a call with headers, which are left out where the transport has none.
func (c *client) call(headers map[string]string, call func(ctx context.Context) (any, error)) (result any, seen string, err error) {
	x := &exchange{sent: headers}
	result, err = call(context.WithValue(context.Background(), exchangeKey{}, x))
	return result, x.seen, err
}
