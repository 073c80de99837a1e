package xds

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
)

// resources are clusters and listeners with those names; each listener has routes of
// its name, whose host tells their version.
func resources(clusters, listeners, routes string) mesh.Resources {
	var out mesh.Resources
	for name := range strings.FieldsSeq(clusters) {
		out.Clusters = append(out.Clusters, &clusterv3.Cluster{Name: name})
	}
	for name := range strings.FieldsSeq(listeners) {
		out.Listeners = append(out.Listeners, &listenerv3.Listener{Name: name})
		out.Routes = append(out.Routes, &routev3.RouteConfiguration{
			Name: name, VirtualHosts: []*routev3.VirtualHost{{Name: routes, Domains: []string{"*"}}},
		})
	}
	return out
}

// warm does not wait: the client of these tests uses no cluster.
func warm(context.Context) error { return nil }

func serve(t *testing.T) (*Server, string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "xds.sock")
	s, err := Listen(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, socket
}

// apply applies what must be taken.
func apply(t *testing.T, s *Server, r mesh.Resources) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Apply(ctx, r, warm); err != nil {
		t.Fatal(err)
	}
}

func TestApplyWaitsForAllTypes(t *testing.T) {
	s, socket := serve(t)
	c := dial(t, socket, nil)
	apply(t, s, resources("v1", "orders", "1"))
	has, log := c.state()
	if has["clusters"] != "v1" || has["listeners"] != "orders" || has["routes"] != "orders" {
		t.Errorf("the client has %v after %q", has, log)
	}
}

func TestOnlyWhatChangedIsSent(t *testing.T) {
	s, socket := serve(t)
	c := dial(t, socket, nil)
	apply(t, s, resources("v1", "orders", "1"))
	c.state()
	apply(t, s, resources("v1", "orders", "2"))
	if _, log := c.state(); !slices.Equal(log, []string{"routes orders"}) {
		t.Errorf("sent %q, want the routes alone", log)
	}
	apply(t, s, resources("v1", "orders", "2"))
	if _, log := c.state(); len(log) != 0 {
		t.Errorf("sent %q, want nothing", log)
	}
}

// TestClustersGoLast: while routes still name it, a cluster must be there.
func TestClustersGoLast(t *testing.T) {
	s, socket := serve(t)
	c := dial(t, socket, nil)
	apply(t, s, resources("v1", "orders", "1"))
	c.state()
	apply(t, s, resources("v2", "orders", "2"))
	_, log := c.state()
	if want := []string{"clusters v1,v2", "routes orders", "clusters v2"}; !slices.Equal(log, want) {
		t.Errorf("sent %q, want %q", log, want)
	}
}

// TestRoutesWaitForWarmClusters: Envoy takes a cluster before it can use it.
func TestRoutesWaitForWarmClusters(t *testing.T) {
	s, socket := serve(t)
	c := dial(t, socket, nil)
	apply(t, s, resources("v1", "orders", "1"))
	c.state()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var sent []string
	if err := s.Apply(ctx, resources("v1 v2", "orders", "2"), func(context.Context) error {
		_, sent = c.state()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"clusters v1,v2"}; !slices.Equal(sent, want) {
		t.Errorf("sent %q before the clusters were warm, want %q", sent, want)
	}
	if _, log := c.state(); !slices.Equal(log, []string{"routes orders"}) {
		t.Errorf("sent %q after that, want the routes", log)
	}
	cold := errors.New("a cluster stays cold")
	if err := s.Apply(ctx, resources("v3", "orders", "3"), func(context.Context) error { return cold }); !errors.Is(err, cold) {
		t.Errorf("Apply returns %v", err)
	}
	if has, log := c.state(); has["clusters"] != "v1,v2" {
		t.Errorf("the client has the clusters %q after %q, want those before", has["clusters"], log)
	}
}

func TestListenersComeAndGo(t *testing.T) {
	s, socket := serve(t)
	c := dial(t, socket, nil)
	apply(t, s, resources("v1", "orders", "1"))
	apply(t, s, resources("v1", "orders users", "1"))
	if has, log := c.state(); has["routes"] != "orders,users" && has["routes"] != "users" {
		t.Errorf("the client has the routes %q after %q", has["routes"], log)
	}
	apply(t, s, resources("v1", "users", "2"))
	if has, log := c.state(); has["listeners"] != "users" {
		t.Errorf("the client has the listeners %q after %q", has["listeners"], log)
	}
}

func TestRefusedChangeIsTakenBack(t *testing.T) {
	s, socket := serve(t)
	c := dial(t, socket, func(kind string, names []string) string {
		if kind == "listeners" && slices.Contains(names, "bad") {
			return "cannot bind\n"
		}
		return ""
	})
	apply(t, s, resources("v1", "orders", "1"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := s.Apply(ctx, resources("v1 v2", "orders bad", "1"), warm)
	var rejected *RejectedError
	if !errors.As(err, &rejected) || rejected.Kind != "listeners" || rejected.Text != "cannot bind" {
		t.Fatalf("Apply returns %v, want the refusal", err)
	}
	waitFor(t, func() bool {
		has, _ := c.state()
		return has["clusters"] == "v1" && has["listeners"] == "orders"
	})
	apply(t, s, resources("v3", "orders", "3"))
	if has, _ := c.state(); has["clusters"] != "v3" {
		t.Errorf("the client has the clusters %q after the next change", has["clusters"])
	}
}

func TestRefusedStartIsNotRepeated(t *testing.T) {
	s, socket := serve(t)
	c := dial(t, socket, func(kind string, _ []string) string {
		if kind == "clusters" {
			return "no"
		}
		return ""
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var rejected *RejectedError
	if err := s.Apply(ctx, resources("v1", "orders", "1"), warm); !errors.As(err, &rejected) {
		t.Fatalf("Apply returns %v, want the refusal", err)
	}
	time.Sleep(50 * time.Millisecond) // enough for thousands of repetitions
	_, log := c.state()
	if n := strings.Count(strings.Join(log, " "), "clusters"); n != 1 {
		t.Errorf("clusters were sent %d times: %q", n, log)
	}
}

func TestApplyEndsWithItsContext(t *testing.T) {
	s, _ := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Apply(ctx, resources("v1", "orders", "1"), warm); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without an Envoy, Apply returns %v", err)
	}
}

func TestClientThatComesBack(t *testing.T) {
	s, socket := serve(t)
	dial(t, socket, nil)
	apply(t, s, resources("v1", "orders", "1"))
	second := dial(t, socket, nil)
	waitFor(t, func() bool {
		has, _ := second.state()
		return has["clusters"] == "v1" && has["listeners"] == "orders" && has["routes"] == "orders"
	})
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}
