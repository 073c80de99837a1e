package cache

import (
	"context"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// fakePause is a call that waits, of a test without a host.
type fakePause struct{ resumed chan string }

func (*fakePause) Resume(filter.Then) {}

func (*fakePause) Context() context.Context { return context.Background() }
