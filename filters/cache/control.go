package cache

import (
	"strconv"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// control is what an entry such as "no-cache, max-age=60" says. Its words are those of
// RFC 9111, section 5.2, as far as they mean something here; others are passed over.
type control struct {
	noCache, noStore bool
	maxAge           time.Duration
	hasMaxAge        bool
}

// readControl reads the entry with that key; "" is no key.
func readControl(m filter.Metadata, key string) (c control) {
	if key == "" {
		return c
	}
	text, _ := m.Get(key)
	c.add(text)
	return c
}

// readAnswer adds what the entries with that key in the message of the answer say: they
// may not be exposed as headers.
func (c *control) readAnswer(call filter.Call, key string) error {
	if key == "" {
		return nil
	}
	_, err := call.RewriteResponse(func(m *sdk.Message, _ *sdk.Mutation) {
		for _, e := range m.Entries() {
			if looksAs(e.Key, []byte(key)) {
				c.add(string(e.Value))
			}
		}
	})
	return err
}

// add adds what a text says. Of two ages the shorter one counts.
func (c *control) add(text string) {
	for word := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		switch strings.ToLower(name) {
		case "no-cache":
			c.noCache = true
		case "no-store", "private":
			c.noStore = true
		case "max-age":
			n, err := strconv.ParseUint(value, 10, 31)
			if age := time.Duration(n) * time.Second; err == nil && (!c.hasMaxAge || age < c.maxAge) {
				c.maxAge, c.hasMaxAge = age, true
			}
		}
	}
}

// ttl is how long an answer that says this is good, at most as long as its rule says; 0 if
// nobody else may have it.
func (c *control) ttl(most time.Duration) time.Duration {
	switch {
	case c.noCache || c.noStore:
		return 0
	case c.hasMaxAge:
		return min(c.maxAge, most)
	}
	return most
}
