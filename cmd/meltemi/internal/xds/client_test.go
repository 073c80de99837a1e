package xds

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// client does what Envoy does on its discovery stream: it asks for all clusters and
// listeners, and for the routes of the listeners that it has.
type client struct {
	stream discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesClient
	// refuse, if it returns a text, makes the client refuse a response.
	refuse func(kind string, names []string) string

	mu       sync.Mutex
	log      []string          // each response, as "clusters a,b"
	has      map[string]string // what it accepted last, by kind
	versions map[string]string
}

// dial starts a client; it ends with the test.
func dial(t *testing.T, socket string, refuse func(kind string, names []string) string) *client {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{stream: stream, refuse: refuse, has: map[string]string{}, versions: map[string]string{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run()
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// run ends with the stream.
func (c *client) run() {
	for _, url := range []string{resource.ClusterType, resource.ListenerType} {
		if c.stream.Send(&discoveryv3.DiscoveryRequest{TypeUrl: url}) != nil {
			return
		}
	}
	asked := false // for routes
	var routesNonce string
	for {
		resp, err := c.stream.Recv()
		if err != nil {
			return
		}
		names := namesOf(resp)
		req := &discoveryv3.DiscoveryRequest{TypeUrl: resp.GetTypeUrl(), ResponseNonce: resp.GetNonce()}
		req.ErrorDetail = c.judge(resp, names)
		req.VersionInfo = c.versions[resp.GetTypeUrl()]
		if resp.GetTypeUrl() == resource.RouteType {
			routesNonce = resp.GetNonce()
			req.ResourceNames = c.wanted()
		}
		if c.stream.Send(req) != nil {
			return
		}
		if resp.GetTypeUrl() != resource.ListenerType || req.GetErrorDetail() != nil || (len(names) == 0 && !asked) {
			continue
		}
		asked = true
		if c.stream.Send(&discoveryv3.DiscoveryRequest{
			TypeUrl: resource.RouteType, ResourceNames: names, ResponseNonce: routesNonce, VersionInfo: c.versions[resource.RouteType],
		}) != nil {
			return
		}
	}
}

// judge notes a response and says why it is refused, if it is.
func (c *client) judge(resp *discoveryv3.DiscoveryResponse, names []string) *statuspb.Status {
	kind := kindName(resp.GetTypeUrl())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, kind+" "+strings.Join(names, ","))
	if c.refuse != nil {
		if text := c.refuse(kind, names); text != "" {
			return &statuspb.Status{Code: 13, Message: text}
		}
	}
	c.versions[resp.GetTypeUrl()] = resp.GetVersionInfo()
	c.has[kind] = strings.Join(names, ",")
	return nil
}

// wanted are the routes of the listeners that the client has: their namesakes.
func (c *client) wanted() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Split(c.has["listeners"], ",")
}

// state is what the client has, and what it was sent since the last call.
func (c *client) state() (has map[string]string, log []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	log, c.log = c.log, nil
	return maps.Clone(c.has), log
}

func namesOf(resp *discoveryv3.DiscoveryResponse) []string {
	var names []string
	for _, packed := range resp.GetResources() {
		message, err := packed.UnmarshalNew()
		if err != nil {
			names = append(names, fmt.Sprint(err))
			continue
		}
		names = append(names, resourceName(message))
	}
	slices.Sort(names)
	return names
}
