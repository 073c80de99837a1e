package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/rpcserver"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// serveLog prints what happens to a server, one line each. Its methods may be called
// from several goroutines at once.
type serveLog struct {
	verbose bool

	mu       sync.Mutex
	out, err io.Writer
	style    cli.Style
}

func newServeLog(out, err io.Writer, verbose bool) *serveLog {
	return &serveLog{out: out, err: err, verbose: verbose, style: cli.StyleFor(out)}
}

// ready says that the server listens. Scripts wait for this line.
func (l *serveLog) ready(a net.Addr) {
	l.print(l.out, "ready %v\n", a)
}

// call prints a call.
func (l *serveLog) call(call *rpcserver.Call, outcome rpcserver.Outcome) {
	if !l.verbose && !call.OneWay() {
		return
	}
	m := call.Message
	metadata := make(sdk.OrderedMap, 0, len(m.Entries()))
	for _, e := range m.Entries() {
		metadata = append(metadata, sdk.MapEntry{Key: string(e.Key), Value: string(e.Value)})
	}
	shown, err := json.Marshal(metadata)
	if err != nil {
		shown = []byte(err.Error())
	}
	name := string(m.Method)
	if len(m.Service) > 0 {
		name = string(m.Service) + "/" + name
	}
	l.print(l.out, "%-9s  %s  from %v  metadata %s\n", outcome, cli.Printable(name), call.Peer, shown)
}

// problem prints what went wrong with a connection.
func (l *serveLog) problem(peer net.Addr, err error) {
	l.note(fmt.Sprintf("%v: %s", peer, cli.Printable(err.Error())))
}

func (l *serveLog) note(text string) {
	l.print(l.err, "meltemi serve: %s\n", text)
}

// print prints a line. A server does not end because nobody reads what it prints.
func (l *serveLog) print(w io.Writer, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(w, format, args...)
}
