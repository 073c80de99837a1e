package xds

import (
	"context"
	"fmt"
	"strings"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/proto"
)

// RejectedError is Envoy's refusal of what it was served.
type RejectedError struct {
	// Kind is what was refused: listeners, routes or clusters.
	Kind string
	// Text is what Envoy says.
	Text string
}

// Error is both in one.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("Envoy refuses the %s: %s", e.Kind, e.Text)
}

// ledger keeps what Envoy was sent and what it said to it.
type ledger struct {
	sent  map[resource.Type]*dispatch // the last response, by type
	taken map[resource.Type]*dispatch // what Envoy has of the version that it took last

	next    state // what Envoy shall take, nil if it has
	before  state // what it shall go back to if it does not
	verdict chan error
}

// dispatch is a set of resources of one version.
type dispatch struct {
	nonce   string
	version string
	names   map[string]bool
}

func newLedger() ledger {
	return ledger{sent: map[resource.Type]*dispatch{}, taken: map[resource.Type]*dispatch{}}
}

// expect starts the wait for next. The channel gets one value.
func (l *ledger) expect(next, before state) <-chan error {
	l.next, l.before, l.verdict = next, before, make(chan error, 1)
	l.settle()
	return l.verdict
}

// settle gives the verdict if Envoy has all of next.
func (l *ledger) settle() {
	if l.next == nil {
		return
	}
	for _, t := range served {
		want, have := l.next[t.url], l.taken[t.url]
		if len(want.byName) == 0 && t.url == resource.RouteType {
			continue // nothing asks for routes
		}
		if have == nil || have.version != l.next.versionOf(t.url) {
			return
		}
		for name := range want.byName {
			if t.url == resource.RouteType && !have.names[name] && !l.lingers(name) {
				return
			}
		}
	}
	l.next = nil
	l.verdict <- nil
}

// lingers tells whether a route configuration is only served for a listener that is
// being removed, so that Envoy may no longer ask for it.
func (l *ledger) lingers(route string) bool {
	_, had := l.before[resource.RouteType].byName[route]
	return had
}

// onOpen forgets what an earlier stream said: a new one starts from nothing.
func (s *Server) onOpen(context.Context, int64, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.ledger.sent)
	clear(s.ledger.taken)
	return nil
}

// onResponse notes what is sent.
func (s *Server) onResponse(_ context.Context, _ int64, _ *discoveryv3.DiscoveryRequest, resp *discoveryv3.DiscoveryResponse) {
	names := map[string]bool{}
	for _, packed := range resp.GetResources() {
		if message, err := packed.UnmarshalNew(); err == nil {
			names[resourceName(message)] = true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.sent[resp.GetTypeUrl()] = &dispatch{resp.GetNonce(), resp.GetVersionInfo(), names}
}

// onRequest notes what Envoy says to the last response, and takes a refused change
// back before the cache could send it again.
func (s *Server) onRequest(_ int64, req *discoveryv3.DiscoveryRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, url := &s.ledger, req.GetTypeUrl()
	sent := l.sent[url]
	if sent == nil || req.GetResponseNonce() != sent.nonce {
		return nil
	}
	if detail := req.GetErrorDetail(); detail != nil {
		return s.reject(url, strings.TrimSpace(detail.GetMessage()))
	}
	if have := l.taken[url]; have != nil && have.version == sent.version {
		for name := range have.names {
			sent.names[name] = true // of one version, Envoy may be sent a part at a time
		}
	}
	l.taken[url] = sent
	l.settle()
	return nil
}

// reject serves again what Envoy had. All types get new versions, because Envoy may
// have taken a part of what it refused. The caller holds mu.
func (s *Server) reject(url resource.Type, text string) error {
	l := &s.ledger
	if l.next == nil {
		return nil // a refusal of what was already taken back
	}
	l.next = nil
	l.verdict <- &RejectedError{Kind: kindName(url), Text: text}
	if len(l.before) == 0 {
		s.cache.ClearSnapshot(node)
		return nil
	}
	back := state{}
	for _, t := range served {
		c := l.before[t.url]
		c.version = s.current[t.url].version + 1
		back[t.url] = c
	}
	s.current = back
	return s.publish(back)
}

// kindName names a type for people.
func kindName(url resource.Type) string {
	switch url {
	case resource.ClusterType:
		return "clusters"
	case resource.ListenerType:
		return "listeners"
	case resource.RouteType:
		return "routes"
	default:
		return url
	}
}

// resourceName is the name of a resource.
func resourceName(message proto.Message) string { return cache.GetResourceName(message) }
