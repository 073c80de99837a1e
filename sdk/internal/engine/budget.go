package engine

import "sync/atomic"

// Budget bounds what all connections of a process hold of long messages that are not
// complete, beside the limit of a single one: a client may begin many and end none. It
// is shared by all threads and takes no lock.
type Budget struct {
	limit int64
	held  atomic.Int64
}

// NewBudget returns a budget of that many bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// share is what one message has of the budget.
type share int

// resize makes the share as large as the message is now; a short one has none. It reports
// whether there was room. A message that is alone always has it.
func (s *share) resize(b *Budget, n int) bool {
	if n <= maxIdleBuffer {
		n = 0
	}
	change := int64(n) - int64(*s)
	if b == nil || change == 0 {
		return true
	}
	if total := b.held.Add(change); change > 0 && total > b.limit && total > int64(n) {
		b.held.Add(-change)
		return false
	}
	*s = share(n)
	return true
}
