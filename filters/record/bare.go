package record

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// forms are a message as it stands, and twice without what serializations put between the
// letters of a word. A word that stands in a message stands in one of them as it is.
type forms [3][]byte

func formsOf(message []byte) forms {
	return forms{message, bare(message, false), bare(message, true)}
}

// contain tells whether a text stands in any of them.
func (f *forms) contain(text string) bool {
	for i, form := range formsOf([]byte(text)) {
		// What is left of it may be so short that it stands there by chance.
		if len(form) >= leastSecret && bytes.Contains(f[i], form) {
			return true
		}
	}
	return false
}

// firstText is the first byte that is no control character.
const firstText = 0x20

// bare returns text with the escapes of JSON undone, of JSON within JSON too, and without
// control characters: those are the other half of UTF-16's letters, and the lengths in
// front of Hessian's chunks. Chunks tells to leave out all that stands in front of them.
func bare(text []byte, chunks bool) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\\':
			r, n := unescape(text[i:])
			if r >= 0 {
				out = utf8.AppendRune(out, r)
			}
			i += n
		case c < firstText:
			i++
		case chunks && chunkHead(text[i:]) > 0:
			i += chunkHead(text[i:])
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}

// unescape reads an escape of n bytes. A character that stands for itself, or for a
// control character, is left to be read on its own, and r is negative.
func unescape(text []byte) (r rune, n int) {
	for n < len(text) && text[n] == '\\' {
		n++
	}
	digits := 0
	if n < len(text) {
		switch text[n] {
		case 'u':
			digits = 4
		case 'x': // fastjson's
			digits = 2
		}
	}
	end := n + 1 + digits
	if digits == 0 || end > len(text) {
		return -1, n
	}
	code, err := strconv.ParseUint(string(text[n+1:end]), 16, 16)
	if err != nil {
		return -1, n
	}
	return rune(code), end
}

// chunkHead is how many bytes in front of a chunk of a string stand at the beginning of
// text, as far as its length is that of a name.
// Source: Hessian 2.0 Serialization Protocol, string.
func chunkHead(text []byte) int {
	switch {
	case len(text) > 2 && (text[0] == 'R' || text[0] == 'S') && text[1] == 0:
		return 3
	case len(text) > 1 && text[0] == '0' && text[1] < maxName:
		return 2
	}
	return 0
}
