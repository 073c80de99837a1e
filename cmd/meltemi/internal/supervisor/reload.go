package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
)

// errSame says that the file is what it was.
var errSame = errors.New("the file has not changed")

// errTaken says that Envoy has taken a change whose listeners are not ready in time.
var errTaken = errors.New("Envoy has taken the change, but not all of its listeners are ready") //nolint:staticcheck // a name

// tryReload reads the file and, if it is right, gives it to Envoy. After an error
// Envoy has what it had, unless the error is errTaken.
func (s *supervisor) tryReload(ctx context.Context) error {
	file, next, err := s.options.read()
	if forced := s.force.Swap(false); !forced && file != nil && bytes.Equal(file, s.file) {
		return errSame
	}
	s.file = file
	if err != nil {
		return err
	}
	changes, err := s.running.ChangesTo(next, s.started)
	if err != nil {
		return err
	}
	resources, err := next.Resources(s.started)
	if err != nil {
		return err
	}
	chosen, err := choosePorts(resources.Listeners, s.bound, s.chosen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	if err := checkBusy(ctx, resources.Listeners, s.bound); err != nil {
		return err
	}
	err = s.server.Apply(ctx, resources, s.awaitClusters)
	if err != nil {
		return err
	}
	s.running, s.chosen = next, chosen
	before := s.bound
	if s.bound, err = s.awaitListeners(ctx, next); err != nil {
		s.bound = before
		return fmt.Errorf("%w: %w", errTaken, err)
	}
	s.warn(next)
	s.printReloaded(changes, before)
	return nil
}

// pollInterval is how often Envoy is asked for what it does not tell by itself.
const pollInterval = 20 * time.Millisecond

// poll calls done until it says so, fails, or ctx ends, which is the error then.
func poll(ctx context.Context, done func() (bool, error)) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// findAdmin waits for Envoy to write down where its admin interface is.
func (s *supervisor) findAdmin(ctx context.Context) error {
	path := filepath.Join(s.folder, addressFile)
	err := poll(ctx, func() (bool, error) {
		address, err := os.ReadFile(path) //nolint:gosec // in our own folder
		if errors.Is(err, os.ErrNotExist) || (err == nil && len(address) == 0) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		s.admin = newAdmin(string(address))
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("wait for Envoy's admin interface: %w", err)
	}
	return nil
}

// awaitClusters waits until no cluster is warming: its hosts are known, and checked
// if they shall be.
func (s *supervisor) awaitClusters(ctx context.Context) error {
	err := poll(ctx, func() (bool, error) {
		warming, err := s.admin.warmingClusters(ctx)
		return warming == 0, err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("a new cluster is not ready: Envoy still waits for its hosts, or for their health")
	}
	return err
}

// awaitListeners waits until all listeners of m accept connections, and returns their
// addresses.
func (s *supervisor) awaitListeners(ctx context.Context, m *mesh.Mesh) (map[string]string, error) {
	var missing string
	bound := map[string]string{}
	err := poll(ctx, func() (bool, error) {
		found, err := s.admin.listeners(ctx)
		if err != nil {
			return false, err
		}
		for _, name := range m.ListenerNames() {
			address, ok := found[name]
			if !ok {
				missing = name
				return false, nil
			}
			bound[name] = address
		}
		return true, nil
	})
	if errors.Is(err, context.DeadlineExceeded) && missing != "" {
		return nil, fmt.Errorf("listener %s is not ready: it waits for something that Envoy has not got, such as a secret or a cluster's hosts", missing)
	}
	return maps.Clone(bound), err
}

// drain lets calls end, for DrainTime at most, and then ends Envoy.
func (s *supervisor) drain(ctx context.Context) error {
	s.printDraining()
	bounded, cancel := context.WithTimeout(ctx, s.options.DrainTime)
	defer cancel()
	if err := s.admin.drain(bounded); err == nil {
		poll(bounded, func() (bool, error) { //nolint:errcheck,gosec // whatever ends the wait, Envoy is to end next
			open, err := s.admin.connections(bounded)
			return open == 0, err
		})
	}
	if ctx.Err() == nil { // else it is ended at once
		s.envoy.stop(ctx)
	}
	return nil
}
