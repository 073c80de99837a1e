package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/meltemi-mesh/meltemi/test/peers/program"
	"github.com/meltemi-mesh/meltemi/test/peers/thriftgo/peer"
)

// seenHeader is the header by which a server tells what it saw of the header lane.
const seenHeader = "seen-lane"

func serve(address, word string) error {
	s, err := parseSettings(word, &thrift.TConfiguration{})
	if err != nil {
		return err
	}
	listener, err := thrift.NewTServerSocket(address)
	if err != nil {
		return err
	}
	handler := &handler{executions: map[string]int32{}}
	var processor thrift.TProcessor = peer.NewPeerProcessor(handler)
	if s.multiplexed {
		both := thrift.NewTMultiplexedProcessor()
		both.RegisterProcessor("Peer", processor)
		both.RegisterProcessor("Second", peer.NewSecondProcessor(handler))
		processor = both
	}
	server := thrift.NewTSimpleServer4(processor, listener, s.transports, s.protocols)
	if err := server.Listen(); err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() { ended <- server.AcceptLoop() }()
	program.Ready()
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	return <-ended
}

// handler is the service.
type handler struct {
	mu         sync.Mutex
	executions map[string]int32
}

// count counts an execution, and tells what the caller's header lane is.
func (h *handler) count(ctx context.Context, method string) {
	h.mu.Lock()
	h.executions[method]++
	h.mu.Unlock()
	lane, _ := thrift.GetHeader(ctx, "lane")
	if helper, ok := thrift.GetResponseHelper(ctx); ok {
		helper.ClearHeaders()
		helper.SetHeader(seenHeader, lane)
	}
}

// Echo and the methods below are those of the IDL.
func (h *handler) Echo(ctx context.Context, text string) (string, error) {
	h.count(ctx, "echo")
	return text, nil
}

func (h *handler) Person(ctx context.Context, person *peer.Person) (*peer.Person, error) {
	h.count(ctx, "person")
	return person, nil
}

func (h *handler) Texts(ctx context.Context, texts []string) ([]string, error) {
	h.count(ctx, "texts")
	return texts, nil
}

func (h *handler) Table(ctx context.Context, table map[string][]int64) (map[string][]int64, error) {
	h.count(ctx, "table")
	return table, nil
}

func (h *handler) Bytes(ctx context.Context, data []byte) ([]byte, error) {
	h.count(ctx, "bytes")
	return data, nil
}

func (h *handler) Add(ctx context.Context, a int32, b int64) (int64, error) {
	h.count(ctx, "add")
	return int64(a) + b, nil
}

// Flag answers with the value if the numbers are those that all clients send.
func (h *handler) Flag(ctx context.Context, value bool, numbers []int16) (bool, error) {
	h.count(ctx, "flag")
	return value && len(numbers) == 3, nil
}

// NoResult_ has a name that the generator changes, since it makes types that end so.
func (h *handler) NoResult_(ctx context.Context, _ string) error {
	h.count(ctx, "noResult")
	return nil
}

func (h *handler) Declared(ctx context.Context, text string) (string, error) {
	h.count(ctx, "declared")
	return "", &peer.Declared{Message: text, Code: 7}
}

func (h *handler) Undeclared(ctx context.Context, text string) (string, error) {
	h.count(ctx, "undeclared")
	return "", errors.New(text)
}

func (h *handler) Tell(ctx context.Context, _ string) error {
	h.count(ctx, "tell")
	return nil
}

func (h *handler) Sleep(ctx context.Context, milliseconds int32) (string, error) {
	h.count(ctx, "sleep")
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	return fmt.Sprint("slept ", milliseconds), nil
}

// Executions is not counted itself.
func (h *handler) Executions(context.Context) (map[string]int32, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.executions), nil
}
