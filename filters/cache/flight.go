package cache

import (
	"container/list"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// flight is a call on its way to a server, and those that wait for its answer. The store's
// lock guards it, and the fields of seats.
type flight struct {
	key     key
	leader  *seat
	waiting list.List // of *seat, in the order in which they came
	over    bool
}

// seat is the part of one call in a flight.
type seat struct {
	flight *flight
	pause  filter.Pause
	at     *list.Element // among those that wait; nil for the leader and those that have left

	resumed bool // of the call's own thread: it waits no more since somebody said so
}

// part is what a call has to do.
type part uint8

const (
	answered part = iota // the answer is there
	leads                // it goes to a server, and others may wait for it
	follows              // it waits
)

// ask looks an answer up. A call that would have to wait and brings no pause comes again
// with one: making it under the lock would keep others out.
func (s *store) ask(k key, now time.Time, me *seat, g *gone) (answer []byte, p part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer := s.get(k, now, g); answer != nil {
		return answer, answered
	}
	f := s.flights[k]
	if f == nil {
		f = &flight{key: k, leader: me}
		s.flights[k] = f
		me.flight = f
		return nil, leads
	}
	if me.pause != nil {
		me.flight, me.at = f, f.waiting.PushBack(me)
	}
	return nil, follows
}

// outcome is what became of a call.
type outcome uint8

const (
	failed   outcome = iota // no answer, or one of which others want their own
	good                    // the answer is for all
	unshared                // the answer is for nobody else, nor will be the next one
)

// followed reports whether somebody waits for the answer to a call.
func (s *store) followed(me *seat) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := me.flight
	return f != nil && !f.over && f.waiting.Len() > 0
}

// settled is what is to be done once the lock is free.
type settled struct {
	followers []*seat // those who wait no more
	leader    *seat   // who leads now; nil if nobody new does
}

// settle ends the part of a call in its flight.
func (s *store) settle(me *seat, o outcome) (d settled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := me.flight
	if f == nil || f.over {
		return d
	}
	f.leave(me)
	if o != failed {
		for at := f.waiting.Front(); at != nil; at = f.waiting.Front() {
			d.followers = append(d.followers, f.leave(seatOf(at)))
		}
		s.end(f)
		return d
	}
	if f.leader != me {
		return d
	}
	next := f.waiting.Front()
	if next == nil {
		s.end(f)
		return d
	}
	f.leader = f.leave(seatOf(next))
	d.leader = f.leader
	return d
}

func (s *store) end(f *flight) {
	f.over = true
	delete(s.flights, f.key)
}

// leave takes a call out of those that wait, if it is one of them.
func (f *flight) leave(it *seat) *seat {
	if it.at != nil {
		f.waiting.Remove(it.at)
		it.at = nil
	}
	return it
}

func seatOf(at *list.Element) *seat {
	it, _ := at.Value.(*seat)
	return it
}
