package explain

import (
	"fmt"
	"strings"
)

const (
	perLine     = 16
	linesBefore = 1
	linesAfter  = 2
)

// hexContext shows the bytes of b around b[at], with a mark under that byte. base is
// the offset of b[0] in the input. A place behind the end is marked there.
func hexContext(b []byte, base int64, at int) []string {
	at = min(max(at, 0), len(b))
	first := max(at/perLine-linesBefore, 0) * perLine
	last := min(len(b), (at/perLine+linesAfter)*perLine)
	var lines []string
	for i := first; i < last || i == first; i += perLine {
		row := b[i:min(i+perLine, last)]
		lines = append(lines, hexLine(base+int64(i), row))
		if at >= i && at < i+perLine {
			lines = append(lines, strings.Repeat(" ", 10+3*(at-i))+"^^")
		}
	}
	if at > 0 && at%perLine == 0 && at >= last { // behind a full last line
		lines = append(lines, hexLine(base+int64(at), nil), strings.Repeat(" ", 10)+"^^")
	}
	return lines
}

func hexLine(offset int64, row []byte) string {
	var hex, text strings.Builder
	for _, c := range row {
		fmt.Fprintf(&hex, "%02x ", c)
		if c < ' ' || c > '~' {
			c = '.'
		}
		text.WriteByte(c)
	}
	return strings.TrimRight(fmt.Sprintf("%08x  %-*s %s", offset, 3*perLine, hex.String(), text.String()), " ")
}
