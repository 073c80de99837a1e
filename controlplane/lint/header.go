package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meltemi-mesh/meltemi/controlplane/spelling"
)

// always are headers that each call has.
var always = []string{":authority", ":method", ":path", ":scheme", "host", "content-type", "te", "grpc-timeout", "x-request-id", "x-forwarded-client-cert"}

// header judges the name of a header that a rule waits for.
func (b *boundPort) header(p place, name string) {
	lower := strings.ToLower(name)
	if lower != name {
		p.odd(HeaderCase, "names of headers have no upper-case letters, and Istio wants none: "+name, "Write "+lower)
	}
	key, metadata := strings.CutPrefix(lower, spelling.Prefix)
	switch {
	case slices.Contains(always, lower), spelling.IsTracing(lower), slices.Contains(b.binding.Spec.Codec.TracingHeaders, lower):
	case strings.HasPrefix(lower, spelling.LocalPrefix):
		if len(b.binding.Spec.Filters) == 0 {
			p.bad(HeaderLocal, lower+" is what filters of this proxy work out, and the binding has none", "Put a filter such as arguments into the binding, on the side of the rule")
		}
	case lower == spelling.Kind:
	case !metadata:
		p.bad(HeaderNever, "no call has the header "+name, "Metadata is in headers "+spelling.Header(name))
	case !isSpelled(key):
		p.bad(HeaderNever, "bytes of a key that no header has are shown as ~ and hex digits, so nothing is called "+lower, "Write "+spelling.Header(unprefixed(name)))
	default:
		b.shown(p, key)
	}
}

// entry judges a key of metadata that a rule waits for.
func (b *boundPort) entry(p place, key string) {
	lower := strings.ToLower(key)
	if strings.HasPrefix(lower, spelling.Prefix) {
		p.odd(HeaderNever, "the key is that of the entry, not the name of its header", "Write "+lower[len(spelling.Prefix):])
		return
	}
	if !spelling.IsTracing(lower) {
		b.shown(p, lower)
	}
}

// shown tells whether the binding can show an entry of metadata.
func (b *boundPort) shown(p place, key string) {
	c := &b.binding.Spec.Codec
	if t := b.transport(); t == "framed" || t == "unframed" {
		p.bad(NoMetadata, fmt.Sprintf("calls of the transport %s have no metadata", t), "Match service and method alone, or let clients use THeader or TTHeader")
		return
	}
	if len(c.Expose) > 0 && !slices.ContainsFunc(c.Expose, func(pattern string) bool { return fits(strings.ToLower(pattern), key) }) {
		p.bad(HeaderHidden, fmt.Sprintf("codec.expose of CodecBinding %s/%s leaves %s out", b.binding.Namespace, b.binding.Name, key), "Add "+key+" to codec.expose")
	}
}

// fits tells whether a key is a name or fits a pattern, tenant*.
func fits(pattern, key string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	return pattern == key || open && strings.HasPrefix(key, prefix)
}

func unprefixed(name string) string {
	if len(name) >= len(spelling.Prefix) && strings.EqualFold(name[:len(spelling.Prefix)], spelling.Prefix) {
		return name[len(spelling.Prefix):]
	}
	return name
}

// isSpelled tells whether the rest of a header's name can come out of a key: what is not
// escaped stays the same when it is spelled again.
func isSpelled(key string) bool {
	plain := key
	for i := strings.IndexByte(plain, '~'); i >= 0; i = strings.IndexByte(plain, '~') {
		if i+2 >= len(plain) || !isHex(plain[i+1]) || !isHex(plain[i+2]) {
			return false
		}
		plain = plain[:i] + plain[i+3:]
	}
	return plain == "" || strings.TrimLeft(strings.TrimPrefix(spelling.Header(plain), spelling.Prefix), "_") == strings.TrimLeft(plain, "_")
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }
