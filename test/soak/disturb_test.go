package soak

import (
	"time"
)

// disturbance is something that happens again and again while the load runs.
type disturbance struct {
	name  string
	every time.Duration
	do    func(*run)
}

// The disturbances of a run.
var (
	routeChanges   = disturbance{"changes of all routes", time.Second, (*run).changeRoutes}
	serverRestarts = disturbance{"restarts of a server", 5 * time.Second, (*run).restartServer}
)

// disturb does it until stop is closed, and not while the load rests.
func (r *run) disturb(d disturbance, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(d.every):
		}
		r.resting.RLock()
		if !r.over.Load() {
			d.do(r)
		}
		r.resting.RUnlock()
	}
}

// changeRoutes gives all routes another name, which calls do not notice.
func (r *run) changeRoutes() {
	r.values.Revision++
	mesh, err := r.values.mesh()
	if err != nil {
		r.problem("the mesh file: %v", err)
		return
	}
	if err := r.proxy.Apply(mesh); err != nil {
		r.problem("%v", err)
	}
}

// restartServer ends one server after the other, with all that it has open, and starts
// it anew. Calls that it had may fail; none is made twice.
func (r *run) restartServer() {
	s := r.servers[r.numbers.Load()%uint64(len(r.servers))]
	note := func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.restarted[s.protocol.name] = time.Now()
	}
	note() // its calls may fail from now on
	s.restart()
	note()
}
