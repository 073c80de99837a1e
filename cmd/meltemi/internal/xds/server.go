package xds

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"sync"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
)

// Server is the discovery service of one Envoy. Apply must not be called twice at
// the same time; Close may be called at any time.
type Server struct {
	grpc  *grpc.Server
	cache cache.SnapshotCache
	stop  context.CancelFunc

	mu      sync.Mutex
	current state // what Envoy has, as far as it said
	ledger  ledger
}

// Listen starts a server on a unix socket, which only this user should reach: it
// needs a private folder. The server ends with Close, or stops serving with ctx.
func Listen(ctx context.Context, socket string) (*Server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("serve Envoy its configuration: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	const ordered = true // clusters before listeners before routes
	s := &Server{
		grpc:   grpc.NewServer(),
		cache:  cache.NewSnapshotCache(ordered, oneNode{}, nil),
		stop:   stop,
		ledger: newLedger(),
	}
	service := server.NewServer(ctx, s.cache, server.CallbackFuncs{
		StreamOpenFunc:     s.onOpen,
		StreamRequestFunc:  s.onRequest,
		StreamResponseFunc: s.onResponse,
	})
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(s.grpc, service)
	go func() {
		s.grpc.Serve(listener) //nolint:errcheck,gosec // ends by Close, with nothing to tell
	}()
	return s, nil
}

// Close ends the server at once.
func (s *Server) Close() {
	s.stop()
	s.grpc.Stop()
}

// oneNode takes every client for the same: the socket has one.
type oneNode struct{}

// node is the key of the snapshot.
const node = "envoy"

// ID implements cache.NodeHash.
func (oneNode) ID(*corev3.Node) string { return node }

// Apply serves Envoy new resources and waits until it has taken them all. It goes in
// steps, so that no call falls between: new clusters; then, once warm returns, what
// uses them; and clusters and routes that are gone are withdrawn last. warm waits
// until Envoy can use the clusters that it has taken, which it does not tell here.
//
// On a *RejectedError, and on an error of warm, Envoy is served again what it had
// before. ctx bounds the wait; an end of it leaves the resources served.
func (s *Server) Apply(ctx context.Context, resources mesh.Resources, warm func(context.Context) error) error {
	next, err := newState(resources)
	if err != nil {
		return err
	}
	s.mu.Lock()
	before := s.current
	s.mu.Unlock()
	overlap := next.with(before)
	if len(before) > 0 { // at its start Envoy itself waits for clusters
		if err := s.serve(ctx, before.withClusters(overlap), before); err != nil {
			return err
		}
		if err := warm(ctx); err != nil {
			return errors.Join(err, s.takeBack(ctx, before))
		}
	}
	if err := s.serve(ctx, overlap, before); err != nil {
		return err
	}
	return s.serve(ctx, next, before)
}

// takeBackTimeout bounds the wait for Envoy to take what it had before.
const takeBackTimeout = 5 * time.Second

// takeBack serves before again, even if ctx has ended.
func (s *Server) takeBack(ctx context.Context, before state) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	return s.serve(ctx, maps.Clone(before), before)
}

// serve makes Envoy take next, or go back to before.
func (s *Server) serve(ctx context.Context, next, before state) error {
	s.mu.Lock()
	next.number(s.current)
	s.current = next
	verdict := s.ledger.expect(next, before)
	err := s.publish(next) //nolint:contextcheck // it must reach all streams, whoever waits
	s.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case err := <-verdict:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for Envoy to take its configuration: %w", ctx.Err())
	}
}

// publish hands next to the cache. The caller holds mu.
func (s *Server) publish(next state) error {
	return s.cache.SetSnapshot(context.Background(), node, next.snapshot())
}
