package cli

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Printable is s as a terminal may show it: as it is, or quoted if it holds anything
// that could move the cursor, change colours or hide text.
func Printable(s string) string {
	if !utf8.ValidString(s) {
		return strconv.Quote(s)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}
