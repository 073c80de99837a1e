package peers

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// Peer is a kind of client and server of the test service that all peers of its
// protocol have. Peers are comparable, so that maps can have them as keys.
type Peer interface {
	// String names the peer.
	String() string
	// StartServer starts a server at a port, until the test's end.
	StartServer(tb testing.TB, port string) *Server
	// StartClient has a client call a port from some threads at a time. What is the
	// number of mixed calls, or the name of something to do, with its arguments:
	//
	//	executions       how often the server ran each method
	//	idle             a call, a pause of seconds, and another call
	//	sleep MS         a call that takes the server MS milliseconds
	//	load SECONDS     calls without a pause; the first line ends in " failed N"
	//	errors CASE ...  calls that something on the way is to answer (see Errors)
	//
	// A client that cannot do it ends with an error, and that the test.
	StartClient(tb testing.TB, port, what string, threads int, timeout time.Duration, args ...string) *Client
}

// Server is a running server.
type Server struct {
	*process
	Port string
}

// Serve starts a server of a peer at a free port.
func Serve(tb testing.TB, peer Peer) *Server {
	tb.Helper()
	return peer.StartServer(tb, freePort(tb))
}

// Client is a running client.
type Client struct{ *process }

// Call has a client of a peer make calls to their end, and returns a line for each.
func Call(tb testing.TB, peer Peer, port, what string, threads int, timeout time.Duration, args ...string) []string {
	tb.Helper()
	return peer.StartClient(tb, port, what, threads, timeout, args...).Results()
}

// Results waits for the client's end and returns its lines.
func (c *Client) Results() []string {
	c.tb.Helper()
	c.await("DONE", 5*time.Minute)
	var lines []string
	for _, line := range c.output() {
		if line == "DONE" {
			return lines
		}
		if result, ok := strings.CutPrefix(line, "= "); ok {
			lines = append(lines, result)
		}
	}
	return lines
}

// Seen is what a client saw of a call that failed.
type Seen struct {
	Class string // of the exception; "none" if the call did not fail
	Code  string // of an exception of the protocol or its library
	Took  time.Duration
	Text  string // of the innermost cause, or the result
}

// Errors has a client make a call for each of the cases, after which the proxy is to
// route it, and returns what the client saw.
func Errors(tb testing.TB, peer Peer, port string, timeout time.Duration, cases ...string) map[string]Seen {
	tb.Helper()
	all := map[string]Seen{}
	for _, line := range Call(tb, peer, port, "errors", 1, timeout, cases...) {
		f := strings.SplitN(line, "\t", 5)
		if len(f) != 5 {
			tb.Fatalf("%v printed %q", peer, line)
		}
		millis, _ := strconv.Atoi(f[3])
		all[f[0]] = Seen{Class: f[1], Code: f[2], Took: time.Duration(millis) * time.Millisecond, Text: f[4]}
	}
	return all
}
