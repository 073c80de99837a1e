package program

import (
	"bytes"
	"fmt"
	"strings"
)

// Mixed calls that no method of a server answers.
const (
	OneWay  = 13
	Missing = 15
)

// LongText is the text of a mixed call that does not fit into one packet.
func LongText(n int) string { return strings.Repeat(fmt.Sprintf("%06d ", n), 10_000) }

// Data are the bytes of a mixed call: some of them a mebibyte.
func Data(n int) []byte {
	size := 1000 + n
	if n%160 == 7 {
		size = 1 << 20
	}
	return bytes.Repeat([]byte{0, 0xff, byte(n % 256)}, size)[:size]
}

// Text is the text of the call of a case: its name, or one that is too large.
func Text(name string) string {
	switch name {
	case "large-message":
		return strings.Repeat("x", 2<<20)
	case "large-at-server":
		return strings.Repeat("x", 10_000)
	}
	return name
}

// Headers are those of the call of a case.
func Headers(name string) map[string]string {
	headers := map[string]string{}
	switch name {
	case "large-metadata":
		headers["large"] = strings.Repeat("x", 60_000)
	case "two-spellings":
		headers["Lane"], headers["lane"] = "a", "b"
	}
	return headers
}
