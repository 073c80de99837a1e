package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/xds"
)

const (
	// startTimeout bounds the time until all listeners accept connections.
	startTimeout = time.Minute
	// reloadTimeout bounds the time until Envoy has taken a change.
	reloadTimeout = 30 * time.Second
	// exitTimeout bounds the time that Envoy takes to end.
	exitTimeout = 10 * time.Second
)

// supervisor is one run. Its fields are written by start only, or as said.
type supervisor struct {
	options Options
	folder  string // private
	server  *xds.Server
	envoy   *process
	force   atomic.Bool // reload even if the file is the same

	// What follows belongs to the one task (see loop) that runs at a time.
	admin   *admin
	file    []byte            // as it was last read
	started *mesh.Mesh        // what Envoy was started with
	running *mesh.Mesh        // what Envoy has now
	bound   map[string]string // real addresses, by listener
	chosen  map[string]uint32 // ports that were chosen here, by listener
}

// Run runs Envoy from a mesh file until a signal stops it (nil), ctx ends (nil), or
// Envoy ends by itself (an error, unless its exit code is 0). It returns only when
// everything that it started has ended.
func Run(ctx context.Context, o *Options) error {
	file, m, err := o.read()
	if err != nil {
		return fmt.Errorf("%s: %w", o.File, err)
	}
	s := &supervisor{options: *o, file: file, started: m, running: m}
	s.warn(m)
	defer s.close()
	if err := s.start(ctx); err != nil {
		return err
	}
	return s.loop(ctx)
}

// start starts the discovery service and Envoy.
func (s *supervisor) start(ctx context.Context) (err error) {
	resources, err := s.started.Resources(s.started)
	if err != nil {
		return err
	}
	if err := checkBusy(ctx, resources.Listeners, nil); err != nil {
		return err
	}
	if s.folder, err = os.MkdirTemp("", "meltemi-"); err != nil {
		return err
	}
	socket := filepath.Join(s.folder, socketFile)
	if s.server, err = xds.Listen(ctx, socket); err != nil {
		return err
	}
	bootstrap, err := s.started.Bootstrap(socket)
	if err != nil {
		return err
	}
	err = os.WriteFile(filepath.Join(s.folder, bootstrapFile), bootstrap, 0o600)
	if err != nil {
		return err
	}
	var env []string
	if s.options.Library != "" {
		search, linkErr := searchPath(s.options.Library, s.folder)
		if linkErr != nil {
			return linkErr
		}
		env = append(env, searchPathVariable+"="+search)
	}
	s.envoy, err = startProcess(s.options.Envoy, s.options.arguments(s.folder), env, s.options.Err)
	return err
}

// close ends what is left.
func (s *supervisor) close() {
	if s.envoy != nil {
		s.envoy.kill()
		<-s.envoy.exited
	}
	if s.server != nil {
		s.server.Close()
	}
	if s.admin != nil {
		s.admin.close()
	}
	os.RemoveAll(s.folder) //nolint:errcheck,gosec // the system clears its folder some day
}

// loop waits for what happens and acts. Starting, reloading and stopping take time;
// each is a task, and one task runs at a time so that signals are always heard.
func (s *supervisor) loop(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	changes := make(chan struct{}, 1)
	watcher, err := watch(s.options.File, func() { notify(changes) })
	if err != nil {
		cancel()
		return err
	}
	defer watcher.Close() //nolint:errcheck // it only reads
	notify(changes)       // the file may have changed since it was read
	task := make(chan error, 1)
	go func() { task <- s.bringUp(ctx) }()
	up, busy, again := false, true, false
	stopping, draining := false, false
	defer func() { // no task outlives the run
		cancel()
		if busy {
			<-task //nolint:errcheck // how it fares matters no more
		}
	}()
	begin := func(work func(context.Context) error) {
		busy = true
		go func() { task <- work(ctx) }()
	}
	drain := func() {
		draining = true
		begin(s.drain)
	}
	for {
		select {
		case <-s.envoy.exited:
			if stopping {
				return nil
			}
			return s.envoy.err
		case err := <-task:
			busy = false
			up = true
			switch {
			case err != nil:
				return s.fate(err)
			case draining:
				return nil
			case stopping:
				drain()
			case again:
				again = false
				begin(s.reload)
			}
		case <-changes:
			if again = busy; !busy {
				begin(s.reload)
			}
		case <-ctx.Done():
			return nil
		case received := <-s.options.Signals:
			if received == syscall.SIGHUP {
				s.force.Store(true)
				notify(changes)
				continue
			}
			if received == syscall.SIGUSR1 {
				s.envoy.signal(syscall.SIGUSR1) // it opens its logs anew
				continue
			}
			if stopping || !up {
				return nil // at once
			}
			if stopping = true; !busy {
				drain()
			}
		}
	}
}

// notify wakes a receiver that may already have been woken.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// fate is the error of a task, or how Envoy ended if that is why the task failed.
func (s *supervisor) fate(err error) error {
	select {
	case <-s.envoy.exited:
		if s.envoy.err != nil {
			return s.envoy.err
		}
	case <-time.After(100 * time.Millisecond): // a connection breaks before its process is reaped
	}
	return err
}

// bringUp serves Envoy its configuration and waits until all listeners accept
// connections.
func (s *supervisor) bringUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	resources, err := s.started.Resources(s.started)
	if err != nil {
		return err
	}
	err = s.server.Apply(ctx, resources, s.awaitClusters)
	if err != nil {
		return err
	}
	err = s.findAdmin(ctx)
	if err != nil {
		return err
	}
	if s.bound, err = s.awaitListeners(ctx, s.started); err != nil {
		return err
	}
	s.printReady()
	return nil
}

// reload makes Envoy take what the file says now. What is wrong with it is told, and
// is no reason to end.
func (s *supervisor) reload(ctx context.Context) error {
	if err := s.tryReload(ctx); err != nil && !errors.Is(err, errSame) && ctx.Err() == nil {
		s.printRefused(err)
	}
	return nil
}
