package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"sync"
	"time"

	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/pkg/remote"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/server"
	"github.com/cloudwego/kitex/server/genericserver"

	"github.com/meltemi-mesh/meltemi/test/peers/kitex/kitex_gen/peer"
	service "github.com/meltemi-mesh/meltemi/test/peers/kitex/kitex_gen/peer/peer"
	"github.com/meltemi-mesh/meltemi/test/peers/program"
)

func serve(address, word string) error {
	s, err := parseSettings(word)
	if err != nil {
		return err
	}
	klog.SetLevel(klog.LevelFatal)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	options := []server.Option{
		server.WithListener(listener), server.WithExitWaitTime(0),
		server.WithExitSignal(func() <-chan error { return ended }),
		server.WithMetaHandler(transmeta.ServerTTHeaderHandler), server.WithMetaHandler(serverHeaders{}),
	}
	if s.mux {
		options = append(options, server.WithMuxTransport())
	}
	server.RegisterStartHook(program.Ready)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	kitex := service.NewServer(&handler{executions: map[string]int32{}}, options...)
	if err := genericserver.RegisterUnknownServiceOrMethodHandler(kitex, &genericserver.UnknownServiceOrMethodHandler{DefaultHandler: unknown}); err != nil {
		return err
	}
	return kitex.Run()
}

// unknown answers calls of methods that the service does not have. Kitex would answer
// by itself, and then close the connection, even under a call that follows at once.
func unknown(_ context.Context, _, method string, _ any) (any, error) {
	return nil, remote.NewTransErrorWithMsg(remote.UnknownMethod, "unknown method "+method)
}

// handler is the service.
type handler struct {
	mu         sync.Mutex
	executions map[string]int32
}

func (h *handler) count(method string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.executions[method]++
}

// Echo and the methods below are those of the IDL.
func (h *handler) Echo(_ context.Context, text string) (string, error) {
	h.count("echo")
	return text, nil
}

func (h *handler) Person(_ context.Context, person *peer.Person) (*peer.Person, error) {
	h.count("person")
	return person, nil
}

func (h *handler) Texts(_ context.Context, texts []string) ([]string, error) {
	h.count("texts")
	return texts, nil
}

func (h *handler) Table(_ context.Context, table map[string][]int64) (map[string][]int64, error) {
	h.count("table")
	return table, nil
}

func (h *handler) Bytes(_ context.Context, data []byte) ([]byte, error) {
	h.count("bytes")
	return data, nil
}

func (h *handler) Add(_ context.Context, a int32, b int64) (int64, error) {
	h.count("add")
	return int64(a) + b, nil
}

// Flag answers with the value if the numbers are those that all clients send.
func (h *handler) Flag(_ context.Context, value bool, numbers []int16) (bool, error) {
	h.count("flag")
	return value && len(numbers) == 3, nil
}

// NoResult_ has a name that the generator changes, since it makes types that end so.
func (h *handler) NoResult_(context.Context, string) error {
	h.count("noResult")
	return nil
}

func (h *handler) Declared(_ context.Context, text string) (string, error) {
	h.count("declared")
	return "", &peer.Declared{Message: text, Code: 7}
}

func (h *handler) Undeclared(_ context.Context, text string) (string, error) {
	h.count("undeclared")
	return "", errors.New(text)
}

func (h *handler) Tell(context.Context, string) error {
	h.count("tell")
	return nil
}

func (h *handler) Sleep(_ context.Context, milliseconds int32) (string, error) {
	h.count("sleep")
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	return fmt.Sprint("slept ", milliseconds), nil
}

// Executions is not counted itself.
func (h *handler) Executions(context.Context) (map[string]int32, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.executions), nil
}
