package record

import (
	"bytes"
	"crypto/rand"
	"slices"
	"strings"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// rewriter is filter.Call.Rewrite or RewriteResponse.
type rewriter func(change func(m *sdk.Message, mut *sdk.Mutation)) ([]byte, error)

// leastSecret is how long a value must be for its own text to be searched for: a shorter
// one stands in messages by chance.
const leastSecret = 6

// redacted is what stands in a text for a value that was taken out.
const redacted = "[redacted]"

// moreSpellings is how many spellings of names are tried in a message, beyond one for
// each. Nobody writes more who means well.
const moreSpellings = 16

// redaction takes secret entries out of one call.
type redaction struct {
	names   *names   // nil if nothing is redacted
	keys    []string // of the entries that were found, as the call spells them
	secrets []string // their values
}

func (r *redaction) isSecret(key string) bool { return r.names != nil && r.names.has(key) }

func (r *redaction) found(key, value string) {
	if i := slices.IndexFunc(r.keys, func(k string) bool { return strings.EqualFold(k, key) }); i >= 0 {
		r.keys[i] = key // headers come first, and the message has the application's spelling
	} else {
		r.keys = append(r.keys, key)
	}
	if len(value) >= leastSecret && !slices.Contains(r.secrets, value) {
		r.secrets = append(r.secrets, value)
	}
}

// strip returns a message without the secret entries. It reports failure if one may still
// be there. Their values may: scrub looks for those, when all are known.
func (r *redaction) strip(payload []byte, rewrite rewriter) (frame []byte, ok bool) {
	if r.names == nil {
		return payload, true
	}
	var removed []string
	frame, err := rewrite(func(m *sdk.Message, mut *sdk.Mutation) {
		for _, e := range m.Entries() {
			if key := string(e.Key); r.isSecret(key) {
				r.found(key, string(e.Value))
				removed = append(removed, key)
				mut.Remove = append(mut.Remove, e.Key)
			}
		}
	})
	if err != nil {
		return nil, false
	}
	var spellings []string
	for _, form := range formsOf(frame) {
		spellings = r.names.appendSpellings(spellings, form)
	}
	if len(spellings) > len(r.names.list)+moreSpellings {
		return nil, false
	}
	for _, key := range spellings {
		if !slices.Contains(removed, key) && !absent(key, removed, frame, rewrite) {
			return nil, false
		}
	}
	return frame, true
}

// absent tells whether a message has no entry with that key in a form that the codec does
// not list, such as one that is no text. Frame is the message without the entries that
// were removed. The codec takes out what is not there without a change, and refuses what
// it cannot take out. Where it refuses a key that nobody has too, the message has no place
// for entries.
func absent(key string, removed []string, frame []byte, rewrite rewriter) bool {
	without := func(key string) ([]byte, error) {
		return rewrite(func(_ *sdk.Message, mut *sdk.Mutation) {
			for _, k := range removed {
				mut.Remove = append(mut.Remove, []byte(k))
			}
			mut.Remove = append(mut.Remove, []byte(key))
		})
	}
	after, err := without(key)
	if err != nil {
		_, err = without("meltemi-" + rand.Text())
		return err != nil
	}
	return bytes.Equal(frame, after)
}

// scrub takes the secrets out of the call: messages in which one stands, whichever side
// had it as an entry, are left out, and other texts lose it. It notes what was redacted.
func (r *redaction) scrub(c *format.Call) {
	slices.Sort(r.keys)
	c.Redacted = r.keys
	for _, m := range []*format.Message{c.Request, c.Response} {
		if m != nil && m.Frame != nil && r.revealedBy(m.Frame) {
			m.Frame, m.Omitted = nil, format.OmittedRedaction
		}
	}
	for _, secret := range r.secrets {
		for _, entries := range []map[string]string{c.Metadata, c.ResponseMetadata} {
			for key, value := range entries {
				if strings.Contains(value, secret) {
					entries[key] = strings.ReplaceAll(value, secret, redacted)
				}
			}
		}
		if c.Status != nil {
			c.Status.Message = strings.ReplaceAll(c.Status.Message, secret, redacted)
		}
	}
}

func (r *redaction) revealedBy(frame []byte) bool {
	if len(r.secrets) == 0 {
		return false
	}
	f := formsOf(frame)
	return slices.ContainsFunc(r.secrets, f.contain)
}
