package suite

import (
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// Oldest and Newest are the supported Envoys, and Both are all that are tested.
const (
	Oldest = "1.39.3"
	Newest = "1.40.0"
)

// Both are the oldest and the newest supported Envoy.
var Both = []string{Oldest, Newest}

// Threads is how many calls a client of mixed calls makes at a time.
const Threads = 8

// Protocol is what the suite has to know of a protocol and its peers.
type Protocol struct {
	// Name is the protocol's, and Codec that of its codec, which is also the mark of its
	// table in docs/errors.md.
	Name, Codec string
	// Config is the codec's own configuration for a client's calls, an object in YAML's
	// flow style; nil is none.
	Config func(client peers.Peer) string

	Mix   Mix
	Pairs []Pair // who make mixed calls to whom
	// Connections are how many mixed calls take.
	Connections func(client, server peers.Peer) Connections

	// Who goes through what: a pause, routes and a listener that change, a server and a
	// client that are killed in mid-call, a server that is restarted, and a call that
	// takes longer than its caller waits, and says so.
	Idle, RouteChanges, ListenerChanges, ServersKilled, ClientsKilled, Restarts, Timeouts []Trial
	// Heartbeats are how many are answered, at the least, in a pause of a client.
	Heartbeats int
	// Warm is how many calls a client makes before the one that sleeps; nil is none.
	Warm func(client peers.Peer) int
	// LosesNone is for clients that can be asked to go, or that make a call again that
	// crosses the end of its connection. Others lose that call.
	LosesNone bool
	// RouteDeadlines is for clients that tell nobody how long they wait: the route does.
	RouteDeadlines bool
	// Elsewhere is for clients that are given two addresses, since they do not soon come
	// back to the one that they left.
	Elsewhere bool

	Errors Errors
}

// Connections are how many mixed calls take: of the client, from Least to Most, and to
// the server no more than Last.
type Connections struct{ Least, Most, Last int }

// CallsAtATime are as many connections to a server as a proxy needs, if nobody closes
// any: as many as there are calls, on each of two workers.
const CallsAtATime = 2 * (Threads + 1)

// Trial is a peer as client and server, and the Envoys that it is tested with.
type Trial struct {
	Peer   peers.Peer
	Envoys []string
}

// Pair is who calls whom, and the Envoys between them.
type Pair struct {
	Client, Server peers.Peer
	Envoys         []string
}

// patience is how long a client waits for a call that nothing should hold up.
const patience = 20 * time.Second

// Run tests a protocol.
func Run(t *testing.T, p *Protocol) {
	t.Run("calls", p.testCalls)
	t.Run("idle", func(t *testing.T) { each(t, p.Idle, p.testIdle) })
	t.Run("timeout", func(t *testing.T) { each(t, p.Timeouts, p.testTimeout) })
	t.Run("route change", func(t *testing.T) { each(t, p.RouteChanges, p.testRouteChange) })
	t.Run("listener change", func(t *testing.T) { each(t, p.ListenerChanges, p.testListenerChange) })
	t.Run("server restart", func(t *testing.T) { each(t, p.Restarts, p.testRestart) })
	t.Run("server killed", func(t *testing.T) { each(t, p.ServersKilled, p.testServerKilled) })
	t.Run("client killed", func(t *testing.T) { each(t, p.ClientsKilled, p.testClientKilled) })
	t.Run("errors", p.testErrors)
	t.Run("README", p.testReadme)
}

// each has every peer go through a test with each of its Envoys. A table without any
// would test nothing.
func each(t *testing.T, trials []Trial, test func(t *testing.T, peer peers.Peer, envoy string)) {
	t.Helper()
	if len(trials) == 0 {
		t.Fatal("nobody is tested")
	}
	for _, trial := range trials {
		for _, envoy := range trial.Envoys {
			t.Run(trial.Peer.String()+" "+envoy, func(t *testing.T) { test(t, trial.Peer, envoy) })
		}
	}
}

// codec is the codec for a client's calls, as in a mesh file, with more fields.
func (p *Protocol) codec(client peers.Peer, more ...string) string {
	fields := []string{"name: " + p.Codec}
	if p.Config != nil {
		fields = append(fields, "config: "+p.Config(client))
	}
	return "{" + strings.Join(append(fields, more...), ", ") + "}"
}

// margin is a wide one: clients count from before they write, and a busy machine may
// take its time between.
const margin = "deadline_margin: 400ms"

// bridge is a mesh file that leads from a client to a server.
func (p *Protocol) bridge(client peers.Peer, port string) string {
	return peers.Bridge(p.codec(client), port)
}
