package cache

import (
	"bytes"
	"encoding/binary"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// What the filter makes of a call's key beside filter.Call.AppendKey.

// appendWho appends who calls; known is false if nobody knows, and the rule wants to.
func (r *rule) appendWho(dst []byte, c filter.Call) (_ []byte, known bool) {
	if r.shared {
		return append(dst, 0), true
	}
	principal := c.Principal()
	if r.caller == "" {
		return appendPart(append(dst, 1), principal, true), principal != ""
	}
	m := c.Metadata()
	if r.callerIsLocal {
		m = c.Local()
	}
	caller, _ := m.Get(r.caller)
	dst = appendPart(append(dst, 2), principal, true)
	return appendPart(dst, caller, true), caller != ""
}

// appendHeaders appends the entries that the rule names, as headers have them, and where
// the call goes: a route may change it, and a cluster may be another version of the
// service.
func (r *rule) appendHeaders(dst []byte, c filter.Call) []byte {
	for _, named := range []struct {
		keys []string
		in   filter.Metadata
	}{{r.metadata, c.Metadata()}, {r.local, c.Local()}} {
		dst = binary.AppendUvarint(dst, uint64(len(named.keys)))
		for _, key := range named.keys {
			value, ok := named.in.Get(key)
			dst = appendPart(appendPart(dst, key, true), value, ok)
		}
	}
	return appendPart(appendPart(dst, c.Route(), true), c.Cluster(), true)
}

// appendMessage appends the same entries, that of the caller too, as the message has them:
// the application gets those, where headers do not change them. They may not be exposed as
// headers, and they have the spelling that servers go by, while headers know no case.
func (r *rule) appendMessage(dst []byte, c filter.Call) ([]byte, error) {
	if len(r.inMessage) == 0 {
		return dst, nil
	}
	_, err := c.Rewrite(func(m *sdk.Message, _ *sdk.Mutation) {
		for _, key := range r.inMessage {
			for _, e := range m.Entries() {
				if looksAs(e.Key, key) {
					dst = appendPart(appendPart(dst, string(e.Key), true), string(e.Value), true)
				}
			}
			dst = appendPart(dst, "", false)
		}
	})
	return dst, err
}

// looksAs reports whether an entry's key is a key of the configuration, case aside.
func looksAs(entry, key []byte) bool { return len(entry) == len(key) && bytes.EqualFold(entry, key) }

// appendPart appends a text, or that there is none, so that nothing else can look like it.
func appendPart(dst []byte, s string, ok bool) []byte {
	if !ok {
		return binary.AppendUvarint(dst, 0)
	}
	return append(binary.AppendUvarint(dst, uint64(len(s))+1), s...)
}
