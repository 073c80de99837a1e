package chaos

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// The clusters that filters ask.
const (
	ClusterQuick = "quick"
	ClusterLate  = "late"
	ClusterSlow  = "slow"
	ClusterAway  = "away"
	clusterNone  = "nowhere"
)

// patience is for what comes for sure. It is long, since the machine may be busy.
const patience = time.Minute

// handler is the filter's part in one call.
type handler struct {
	*chaos
	plan *Plan
}

// Request implements filter.Handler.
func (h *handler) Request(c filter.Call) filter.Verdict {
	if h.place == Reader {
		if !bytes.Contains(c.Payload(), []byte(Text(h.plan.ID, "request"))) {
			return filter.Reply(sdk.Failure{Cause: sdk.CauseInternal, Message: "the filter was shown the request of another call"})
		}
		if _, err := c.Arguments(); err != nil {
			return filter.Reply(sdk.Failure{Cause: sdk.CauseInternal, Message: "the request has no arguments: " + err.Error()})
		}
	}
	return h.act(c, "request", h.plan.Request[h.place])
}

// Response implements filter.Handler.
func (h *handler) Response(c filter.Call) filter.Verdict {
	ours := h.place == Reader && c.Status().Code == sdk.OK && c.Kind() == sdk.KindRequest
	if ours && !bytes.Contains(c.ResponsePayload(), []byte(Text(h.plan.ID, "reply"))) {
		return filter.Reply(sdk.Failure{Cause: sdk.CauseInternal, Message: "the filter was shown the answer of another call"})
	}
	return h.act(c, "response", h.plan.Response[h.place])
}

// End implements filter.Handler.
func (h *handler) End(c filter.Call, _ filter.Outcome) {
	h.open.Add(c, -1)
	if h.plan.EndPanics[h.place] {
		panic("in End, as planned")
	}
}

// act does what the plan says in a hook.
func (h *handler) act(c filter.Call, hook string, a Action) filter.Verdict {
	if a != Pass {
		h.acts.Add(c, 1, h.Place, hook, a.String())
	}
	refuse := filter.Reply(sdk.Failure{Cause: sdk.CauseDenied, Message: Text(h.plan.ID, h.Place)})
	proceed := func(filter.Call) filter.Verdict { return filter.Continue }
	short := time.Duration(1+h.plan.ID%30) * time.Millisecond
	switch a {
	case Pass:
	case Mark:
		if hook == "request" {
			c.Metadata().Set(Marker(h.place), strconv.FormatUint(h.plan.ID, 16))
			c.Local().Set("soak", h.Place)
		}
	case Resume:
		p := c.Pause(patience, refuse)
		go func() {
			sleep(p.Context(), short)
			p.Resume(proceed)
		}()
		return filter.Paused
	case Work:
		return c.Go(patience, refuse, func(ctx context.Context) filter.Then {
			sleep(ctx, short)
			return proceed
		})
	case LateOn, Late:
		c.Pause(short, otherwise(a == LateOn, refuse))
		return filter.Paused
	case WorkOn, WorkLate:
		return c.Go(short, otherwise(a == WorkOn, refuse), func(ctx context.Context) filter.Then {
			<-ctx.Done()
			return func(filter.Call) filter.Verdict { panic("work that came too late was not dropped") }
		})
	case Ask:
		return h.ask(c, hook, ClusterQuick, patience, filter.Continue)
	case AskLate:
		return h.ask(c, hook, ClusterLate, patience, filter.Continue)
	case Outlast:
		return h.ask(c, hook, ClusterLate, patience, refuse)
	case AskSlow:
		return h.ask(c, hook, ClusterSlow, short, refuse)
	case AskAway:
		return h.ask(c, hook, ClusterAway, patience, refuse)
	case AskNone:
		return h.ask(c, hook, clusterNone, patience, refuse)
	case Refuse:
		return refuse
	case Break:
		return filter.Reset
	case Panic:
		panic("in a hook, as planned")
	case WorkPanic:
		return c.Go(patience, filter.Continue, func(context.Context) filter.Then { panic("in work, as planned") })
	}
	return filter.Continue
}

func otherwise(proceed bool, refuse filter.Verdict) filter.Verdict {
	if proceed {
		return filter.Continue
	}
	return refuse
}

// ask asks a service, whose answer is the question. The quick one and the late one have to
// answer, and the others must not.
func (h *handler) ask(c filter.Call, hook, cluster string, limit time.Duration, then filter.Verdict) filter.Verdict {
	question := fmt.Sprintf("%x-%s-%s", h.plan.ID, h.Place, hook)
	answers := cluster == ClusterQuick || cluster == ClusterLate
	return c.HTTP(cluster, filter.HTTPRequest{Path: "/" + question, Limit: limit}, func(_ filter.Call, r filter.HTTPResponse, err error) filter.Verdict {
		if good := err == nil && r.Status == 200 && string(r.Body) == question; good != answers {
			return filter.Reply(sdk.Failure{Cause: sdk.CauseInternal, Message: fmt.Sprintf("asked %s, %s answered %d %.50q, %v", question, cluster, r.Status, r.Body, err)})
		}
		return then
	})
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
