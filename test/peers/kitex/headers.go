package main

import (
	"context"
	"maps"

	"github.com/cloudwego/kitex/pkg/remote"
)

// seenHeader is the header by which a server tells what it saw of the header lane.
const seenHeader = "seen-lane"

// exchange are the headers of a call: what its client sends, and what came back. They
// are a value of the call's context.
type exchange struct {
	sent map[string]string
	seen string
}

type exchangeKey struct{}

// clientHeaders writes and reads the headers of TTHeader at the client.
type clientHeaders struct{}

// WriteMeta implements remote.MetaHandler.
func (clientHeaders) WriteMeta(ctx context.Context, msg remote.Message) (context.Context, error) {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		putHeaders(msg, x.sent)
	}
	return ctx, nil
}

// ReadMeta implements remote.MetaHandler.
func (clientHeaders) ReadMeta(ctx context.Context, msg remote.Message) (context.Context, error) {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		x.seen = msg.TransInfo().TransStrInfo()[seenHeader]
	}
	return ctx, nil
}

// serverHeaders answers with what the server sees.
type serverHeaders struct{}

type laneKey struct{}

// ReadMeta implements remote.MetaHandler.
func (serverHeaders) ReadMeta(ctx context.Context, msg remote.Message) (context.Context, error) {
	return context.WithValue(ctx, laneKey{}, msg.TransInfo().TransStrInfo()["lane"]), nil
}

// WriteMeta implements remote.MetaHandler.
func (serverHeaders) WriteMeta(ctx context.Context, msg remote.Message) (context.Context, error) {
	if lane, ok := ctx.Value(laneKey{}).(string); ok && lane != "" {
		putHeaders(msg, map[string]string{seenHeader: lane})
	}
	return ctx, nil
}

// putHeaders adds headers to those that others have put there, or replaces them.
func putHeaders(msg remote.Message, headers map[string]string) {
	all := map[string]string{}
	maps.Copy(all, msg.TransInfo().TransStrInfo())
	maps.Copy(all, headers)
	msg.TransInfo().PutTransStrInfo(all)
}
