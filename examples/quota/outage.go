package quota

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// outage tells, in Envoy's log, when Redis goes away and when it is back: once, however
// many calls notice.
type outage struct {
	away atomic.Bool // read by each call, written rarely

	mu      sync.Mutex
	changed time.Time
}

// calm is how long the state stays as it is, since Redis may be half away: then some calls
// fail and others do not.
const calm = 5 * time.Second

// note is told how each question to Redis ended. It may be called on any thread.
func (o *outage) note(f *quota, err error) {
	away := err != nil
	if o.away.Load() == away {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := f.host.Now()
	if o.away.Load() == away || now.Sub(o.changed) < calm {
		return
	}
	o.away.Store(away)
	o.changed = now
	if !away {
		f.host.Log(filter.Info, "Redis at %s answers again", f.redis)
		return
	}
	decision := "refused"
	if f.allowOnError {
		decision = "allowed"
	}
	f.host.Log(filter.Error, "Redis at %s cannot be asked, so calls are %s: %v", f.redis, decision, err)
}
