package abi

// #include "meltemi.h"
import "C"

import (
	"sync"
	"time"
	"unsafe"
)

// wakeup calls a connection's hook later, on its worker: soon, or when a time has
// come. It is made on first use; most connections never need it.
//
// The lock is between the worker and the goroutine of a timer that has gone off.
// It is held for one call that posts an event.
type wakeup struct {
	mu        sync.Mutex
	scheduler unsafe.Pointer // Envoy's; nil before first use and after close
	closed    bool
	soon      bool // a wake is on its way
	timer     *time.Timer
}

// post asks Envoy to call the connection's scheduled hook with that event.
func (u *wakeup) post(envoy unsafe.Pointer, event C.uint64_t) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open(envoy)
	if !u.closed {
		C.meltemi_scheduler_commit(u.scheduler, event)
	}
}

// wake posts a wake unless one is on its way.
func (u *wakeup) wake(envoy unsafe.Pointer) {
	if !u.soon {
		u.soon = true
		u.post(envoy, C.MELTEMI_EVENT_WAKE)
	}
}

// woken says that the wake has arrived.
func (u *wakeup) woken() { u.soon = false }

// wakeIn posts a wake after d. A later call replaces an earlier one.
func (u *wakeup) wakeIn(envoy unsafe.Pointer, d time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open(envoy)
	if u.timer != nil {
		u.timer.Stop()
	}
	u.timer = time.AfterFunc(d, func() { u.ring(C.MELTEMI_EVENT_WAKE) })
}

// postIn posts an event after d, whatever else is on its way.
func (u *wakeup) postIn(envoy unsafe.Pointer, event C.uint64_t, d time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open(envoy)
	time.AfterFunc(d, func() { u.ring(event) })
}

// ring runs on a timer's goroutine.
func (u *wakeup) ring(event C.uint64_t) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.closed {
		C.meltemi_scheduler_commit(u.scheduler, event)
	}
}

func (u *wakeup) open(envoy unsafe.Pointer) {
	if u.scheduler == nil && !u.closed {
		u.scheduler = C.meltemi_scheduler_new(envoy)
	}
}

// close is called in the connection's destroy hook, before Envoy frees it.
func (u *wakeup) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	if u.timer != nil {
		u.timer.Stop()
	}
	if u.scheduler != nil {
		C.meltemi_scheduler_delete(u.scheduler)
		u.scheduler = nil
	}
}
