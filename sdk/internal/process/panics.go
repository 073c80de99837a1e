package process

import (
	"fmt"
	"sync"
)

// Panics remembers which panics were logged: each once, with its stack. Defects are few;
// the bound is for a codec that puts a changing number into its text. The zero Panics is
// ready for use, on all threads at once.
type Panics struct {
	mu   sync.Mutex
	seen map[string]bool
}

const maxLogged = 100

// Tell returns what there is to be logged about a panic, "" if it was told before.
func (p *Panics) Tell(where string, value any, stack []byte) string {
	text := fmt.Sprintf("panic in %s: %v", where, value)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen[text] || len(p.seen) >= maxLogged {
		return ""
	}
	if p.seen == nil {
		p.seen = make(map[string]bool)
	}
	p.seen[text] = true
	return fmt.Sprintf("%s (logged once)\n%s", text, stack)
}
