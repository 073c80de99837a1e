package spelling

import (
	"fmt"
	"strings"
)

// Headers that are no metadata of a call.
const (
	// Prefix begins the headers of metadata.
	Prefix = "x-rpc-"
	// LocalPrefix begins those that a proxy works out for itself.
	LocalPrefix = "x-rpc-local-"
	// Kind tells one-way calls.
	Kind = "x-rpc-kind"
)

// Path is the path of a call.
func Path(service, method string) string { return "/" + Segment(service) + "/" + Segment(method) }

// Segment writes a service or method as a segment of a path: bytes that a path does not
// take, and segments of dots alone, are ~ and two upper-case hex digits.
func Segment(s string) string {
	if s != "" && strings.Trim(s, ".") == "" {
		return escape(s, func(byte) bool { return false }, "~%02X")
	}
	return SegmentPart(s)
}

// SegmentPart writes a part of a service or method, such as a prefix.
func SegmentPart(s string) string { return escape(s, IsPathByte, "~%02X") }

// escape writes the bytes that a place does not take in a format of their own.
func escape(s string, takes func(byte) bool, format string) string {
	var b strings.Builder
	for i := range len(s) {
		if takes(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, format, s[i])
		}
	}
	return b.String()
}

// IsPathByte tells whether a segment of a path has a byte as it is.
func IsPathByte(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("._$-", c) >= 0
}

func isNameByte(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Header is the header of an entry of metadata: with lower-case hex digits, since names of
// headers have no others.
func Header(key string) string {
	lower := lowerASCII(key)
	if IsTracing(lower) {
		return lower
	}
	if bare := strings.TrimLeft(lower, "_"); bare == "kind" || bare == "status" || strings.HasPrefix(bare, "local-") {
		lower = "_" + lower
	}
	return Prefix + escape(lower, isNameByte, "~%02x")
}

// IsTracing tells whether an entry of metadata keeps its bare name as a header.
func IsTracing(lower string) bool {
	switch lower {
	case "traceparent", "tracestate", "baggage", "b3", "sw8":
		return true
	}
	return strings.HasPrefix(lower, "x-b3-")
}

// lowerASCII leaves alone what is not ASCII, which is escaped byte by byte.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
