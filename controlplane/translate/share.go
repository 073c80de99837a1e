package translate

import (
	"fmt"
	"slices"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// sharers are the claims that share a port number of proxies beside clients.
type sharers struct {
	claims  []*claim
	targets map[string]*claim
	// The first claim of each configuration of the library. A mesh has thousands of
	// services on a port and few ways to treat their calls, so that a new claim is
	// compared with few.
	modules []*claim
	texts   map[string]bool
}

// join adds a claim, or tells why it cannot share the port with those before it.
func (t *translator) join(s *sharers, c *claim) *problem {
	if s.targets == nil {
		s.targets, s.texts = map[string]*claim{}, map[string]bool{}
	}
	target := fmt.Sprintf("%s %s/%s", c.kind, c.namespace, c.name)
	if older := s.targets[target]; older != nil {
		return problemf(v1alpha1.ReasonConflicted, "%s has the same port", older.who())
	}
	text := c.module.text()
	if !s.texts[text] {
		for _, older := range s.modules {
			if p := t.contradiction(older, c); p != nil {
				return p
			}
		}
		s.modules, s.texts[text] = append(s.modules, c), true
	}
	s.claims, s.targets[target] = append(s.claims, c), c
	return nil
}

// contradiction tells why one listener cannot treat the calls of both.
func (t *translator) contradiction(older, c *claim) *problem {
	const one = "proxies of clients have one listener for a port number, so use the same"
	if older.module.settings() != c.module.settings() {
		return problemf(v1alpha1.ReasonConflicted, "%s treats calls in another way; %s settings or another port", older.who(), one)
	}
	for _, other := range older.module.codecs() {
		for _, own := range c.module.codecs() {
			if own.Name == other.Name && string(own.Config) != string(other.Config) {
				return problemf(v1alpha1.ReasonConflicted, "%s has another config for %s; %s or another port", older.who(), own.Name, one)
			}
		}
	}
	if slices.Equal(older.module.names(), c.module.names()) {
		return nil
	}
	for _, m := range []*moduleConfig{&older.module, &c.module} {
		for _, name := range m.names() {
			if info := t.options.codec(name); info == nil || !info.Sniffs {
				return problemf(v1alpha1.ReasonConflicted, "%s speaks another protocol, and %s cannot be told from others by its first bytes; use another port", older.who(), name)
			}
		}
	}
	return nil
}

// who names a claim to somebody who comes later.
func (c *claim) who() string {
	return fmt.Sprintf("CodecBinding %s/%s, which is older and has %s %s on port %d,", c.binding.Namespace, c.binding.Name, c.kind, c.name, c.number)
}
