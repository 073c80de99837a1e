// Program collector is the OpenTelemetry collector's own receiver of OTLP, which prints
// what spans it gets: a line of OTLP's JSON for each request.
//
//	collector ADDRESS
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "collector:", err)
		os.Exit(1) //nolint:gocritic // nothing waits for stop
	}
}

// run receives spans until ctx ends.
func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: collector ADDRESS")
	}
	next, err := consumer.NewTraces((&printer{}).print)
	if err != nil {
		return err
	}
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	wanted := map[string]any{"protocols": map[string]any{"grpc": map[string]any{"endpoint": args[0]}}}
	if err := confmap.NewFromStringMap(wanted).Unmarshal(config); err != nil {
		return err
	}
	settings := receiver.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	r, err := factory.CreateTraces(ctx, settings, config, next)
	if err != nil {
		return err
	}
	if err := r.Start(ctx, componenttest.NewNopHost()); err != nil {
		return err
	}
	<-ctx.Done()
	return r.Shutdown(context.WithoutCancel(ctx))
}

// printer prints what it is given. It may be called from several goroutines at once.
type printer struct {
	mu      sync.Mutex
	encoder ptrace.JSONMarshaler
}

func (p *printer) print(_ context.Context, t ptrace.Traces) error {
	line, err := p.encoder.MarshalTraces(t)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err = fmt.Printf("%s\n", line)
	return err
}
