package engine

import (
	"bytes"
	"errors"
	"strings"
)

// A byte that a place cannot hold is written as '~' and two hex digits: upper-case ones
// in paths and values, lower-case ones in names of headers, in which HTTP/2 allows no
// others (RFC 9113, section 8.2.1). No proxy normalises that away, unlike '%'.
const escapeMark = '~'

const (
	upperHex = "0123456789ABCDEF"
	lowerHex = "0123456789abcdef"
)

var (
	errEscape = errors.New("'~' is not followed by two hex digits, upper-case in paths and values, lower-case in names")
	// Of two spellings of one thing, a policy would know only one.
	errSpelling = errors.New("it is not spelled as a proxy writes it")
)

// byteSet is a set of bytes.
type byteSet [256]bool

func setOf(ranges ...string) (s byteSet) {
	for _, r := range ranges {
		if len(r) == 3 && r[1] == '-' {
			for b := int(r[0]); b <= int(r[2]); b++ {
				s[b] = true
			}
			continue
		}
		for i := range len(r) {
			s[r[i]] = true
		}
	}
	return s
}

var (
	// segmentBytes stand for themselves in a path segment.
	segmentBytes = setOf("A-Z", "a-z", "0-9", ".", "_", "$", "-")
	// nameBytes stand for themselves in a header name: the token characters of
	// RFC 9110, section 5.6.2, without upper-case letters and '~'.
	nameBytes = setOf("a-z", "0-9", "!#$%&'*+.^_`|", "-")
	// controlBytes are those that HTTP allows in no value.
	controlBytes = setOf("\x00-\x08", "\x0a-\x1f", "\x7f")
	// folded are the bytes of a key as they stand in a name, 0 those that are escaped.
	folded = foldedBytes()
)

func foldedBytes() (folded [256]byte) {
	for b := range folded {
		c := byte(b)
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if nameBytes[c] {
			folded[b] = c
		}
	}
	return folded
}

// appendEscaped appends s, each byte outside set escaped.
func appendEscaped(dst, s []byte, set *byteSet) []byte {
	for _, b := range s {
		if set[b] {
			dst = append(dst, b)
		} else {
			dst = appendEscape(dst, b, upperHex)
		}
	}
	return dst
}

func appendEscape(dst []byte, b byte, digits string) []byte {
	return append(dst, escapeMark, digits[b>>4], digits[b&15])
}

// appendUnescaped appends s with its escapes undone.
func appendUnescaped(dst, s []byte, digits string) ([]byte, error) {
	for i := 0; i < len(s); i++ {
		if s[i] != escapeMark {
			dst = append(dst, s[i])
			continue
		}
		if i+2 >= len(s) {
			return dst, errEscape
		}
		high, low := strings.IndexByte(digits, s[i+1]), strings.IndexByte(digits, s[i+2])
		if high < 0 || low < 0 {
			return dst, errEscape
		}
		dst = append(dst, byte(high<<4|low))
		i += 2
	}
	return dst, nil
}

// appendSegment appends s as a path segment. A segment of dots alone would be
// resolved by path normalisation, so its dots are escaped too.
func appendSegment(dst, s []byte) []byte {
	if len(bytes.Trim(s, ".")) > 0 {
		return appendEscaped(dst, s, &segmentBytes)
	}
	for _, b := range s {
		dst = appendEscape(dst, b, upperHex)
	}
	return dst
}

// validValue reports whether HTTP allows the value: no control bytes but TAB, and
// no space at either end (RFC 9110, section 5.5). Bytes from 0x80 on are allowed.
func validValue(s []byte) bool {
	if len(s) == 0 {
		return true
	}
	if isSpace(s[0]) || isSpace(s[len(s)-1]) {
		return false
	}
	for _, b := range s {
		if controlBytes[b] {
			return false
		}
	}
	return true
}

// appendMarkedValue appends a value that is not valid, escaped.
func appendMarkedValue(dst, s []byte) []byte {
	for i, b := range s {
		if controlBytes[b] || b == escapeMark || isSpace(b) && (i == 0 || i == len(s)-1) {
			dst = appendEscape(dst, b, upperHex)
		} else {
			dst = append(dst, b)
		}
	}
	return dst
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' }

// appendKey appends the header name of a metadata key, without prefix: folded to
// lower case, invalid bytes escaped, and a reserved name with one more '_' in
// front. The inverse is appendUnkey, but for the case of letters.
func appendKey(dst, key []byte) []byte {
	start := len(dst)
	dst = appendEscapedName(dst, key)
	if !isReserved(dst[start:]) {
		return dst
	}
	dst = append(dst, 0)
	copy(dst[start+1:], dst[start:])
	dst[start] = '_'
	return dst
}

// appendEscapedName appends a key as a part of a header's name: folded to lower case,
// invalid bytes escaped.
func appendEscapedName(dst, key []byte) []byte {
	for _, b := range key {
		if c := folded[b]; c != 0 {
			dst = append(dst, c)
		} else {
			dst = appendEscape(dst, b, lowerHex)
		}
	}
	return dst
}

// appendUnkey appends the metadata key of a header name without prefix.
func appendUnkey(dst, name []byte) ([]byte, error) {
	if len(name) > 0 && name[0] == '_' && isReserved(name[1:]) {
		name = name[1:]
	}
	return appendUnescaped(dst, name, lowerHex)
}

// isReserved reports whether a name is one of ours, after any number of '_': the
// escape of a reserved name is itself reserved, so that each has its own.
func isReserved(name []byte) bool {
	for len(name) > 0 && name[0] == '_' {
		name = name[1:]
	}
	const local = "local-"
	return string(name) == "kind" || string(name) == "status" || len(name) >= len(local) && string(name[:len(local)]) == local
}
