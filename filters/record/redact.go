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

// redaction takes secret entries out of one call.
type redaction struct {
	names   []string // of the configuration; they have no case
	keys    []string // of the entries that were found, as the call spells them
	secrets []string // their values
}

func (r *redaction) isSecret(key string) bool {
	return slices.ContainsFunc(r.names, func(name string) bool { return strings.EqualFold(name, key) })
}

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
// be there.
func (r *redaction) strip(payload []byte, rewrite rewriter) (frame []byte, ok bool) {
	if len(r.names) == 0 {
		return payload, true
	}
	var hidden []string // names that no entry has, though the message holds the word
	frame, err := rewrite(func(m *sdk.Message, mut *sdk.Mutation) {
		for _, e := range m.Entries() {
			if key := string(e.Key); r.isSecret(key) {
				r.found(key, string(e.Value))
				mut.Remove = append(mut.Remove, e.Key)
			}
		}
		for _, name := range r.names {
			if _, listed := m.Get(name); !listed && bytes.Contains(payload, []byte(name)) {
				hidden = append(hidden, name)
			}
		}
	})
	if err != nil {
		return nil, false
	}
	for _, name := range hidden {
		if !r.absent(name, rewrite) {
			return nil, false
		}
	}
	for _, secret := range r.secrets {
		if bytes.Contains(frame, []byte(secret)) {
			return nil, false
		}
	}
	return frame, true
}

// absent tells whether a message has no entry of that name in a form that the codec does
// not list, such as one that is no text. The codec takes out what is not there without a
// change, and refuses what it cannot take out. Where it refuses a name that nobody has
// too, the message has no place for entries.
func (r *redaction) absent(name string, rewrite rewriter) bool {
	without := func(key string) (changed bool, err error) {
		var before []byte
		after, err := rewrite(func(m *sdk.Message, mut *sdk.Mutation) {
			before = m.Bytes
			mut.Remove = [][]byte{[]byte(key)}
		})
		return !bytes.Equal(before, after), err
	}
	changed, err := without(name)
	if err != nil {
		_, err = without("meltemi-" + rand.Text())
		return err != nil
	}
	return !changed
}

// scrub takes the secrets out of the other texts of a call, and notes what was redacted.
func (r *redaction) scrub(c *format.Call) {
	slices.Sort(r.keys)
	c.Redacted = r.keys
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
