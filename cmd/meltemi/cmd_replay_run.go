package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/answers"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/rpcclient"
	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// replayer sends recorded calls again.
type replayer struct {
	options *replayOptions
	codecs  *recordedCodecs
	methods filter.Methods // empty for all
	set     []sdk.Entry
	ignore  answers.Ignore
	pace    pace
	print   *replayPrinter

	began  time.Time
	number int       // of calls that were sent
	first  time.Time // when the first one was recorded
}

// pace says when calls are sent; the zero value as soon as a connection is free.
type pace struct {
	every    time.Duration // between two calls
	original bool          // as they were recorded
}

// replay sends the calls of all files. When ctx ends, those that have not begun are left
// out.
func (r *replayer) replay(ctx context.Context, files []recordedFile) error {
	jobs := make(chan *job)
	var workers sync.WaitGroup
	for range r.options.concurrency {
		workers.Go(func() {
			w := &replayLine{replayer: r, conns: map[*madeCodec]*rpcclient.Conn{}}
			defer w.end(ctx)
			for j := range jobs {
				if j.bad != nil {
					r.print.problem(j)
				} else {
					r.print.result(w.run(ctx, j))
				}
			}
		})
	}
	r.began = time.Now()
	var err error
	for _, f := range files {
		if err = r.file(ctx, f, jobs); err != nil || r.done(ctx) {
			break
		}
	}
	close(jobs)
	workers.Wait()
	r.print.elapsed = time.Since(r.began)
	if ctx.Err() != nil && err == nil {
		err = errors.New("interrupted")
	}
	return err
}

func (r *replayer) done(ctx context.Context) bool {
	return ctx.Err() != nil || r.options.count > 0 && r.number >= r.options.count
}

// wait waits until it is time for the next call.
func (r *replayer) wait(ctx context.Context, c *format.Call) bool {
	if r.first.IsZero() {
		r.first = c.Time
	}
	at := time.Duration(r.number) * r.pace.every
	if r.pace.original {
		at = c.Time.Sub(r.first)
	}
	d := time.Until(r.began.Add(at))
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
