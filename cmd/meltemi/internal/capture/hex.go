package capture

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// HexError is text that is not hex.
type HexError struct {
	Line, Column int // from 1, in bytes
	Err          error
}

// Error names the place.
func (e *HexError) Error() string {
	return fmt.Sprintf("hex: line %d, column %d: %v", e.Line, e.Column, e.Err)
}

// Unwrap returns Err.
func (e *HexError) Unwrap() error { return e.Err }

// DecodeHex reads text that holds bytes in hex:
//
//   - digits with or without spaces, line ends, commas, 0x or \x between bytes,
//   - dumps with an offset before and characters behind: xxd, hexdump -C, Wireshark.
//
// A # begins a comment, up to the line's end. An offset that does not fit the bytes before
// it is an error, since the dump lacks something; offset 0 begins anew.
func DecodeHex(text []byte) ([]byte, error) {
	d := hexDecoder{out: make([]byte, 0, len(text)/2)}
	for line := range bytes.Lines(text) {
		d.line++
		if err := d.decodeLine(string(bytes.TrimRight(line, "\r\n"))); err != nil {
			return nil, err
		}
	}
	if d.half {
		return nil, &HexError{d.halfLine, d.halfColumn, errors.New("odd number of digits")}
	}
	return d.out, nil
}

type hexDecoder struct {
	out                  []byte
	base                 int // length of out at the last offset 0
	line                 int
	half                 bool // a digit waits for its second
	halfLine, halfColumn int
	nibble               byte
}

func (d *hexDecoder) decodeLine(line string) error {
	line, _, _ = strings.Cut(line, "#") // what is cut of a dump's characters does not matter
	if strings.TrimSpace(line) == "*" {
		return &HexError{d.line, 1 + strings.Index(line, "*"), errors.New("the dump leaves out repeated lines; make it with -v")}
	}
	start, end, err := d.dumpLine(line)
	if err != nil {
		return err
	}
	return d.digits(line, start, end)
}

// dumpLine tells which part of the line is bytes. A line without an offset is bytes
// throughout.
func (d *hexDecoder) dumpLine(line string) (start, end int, err error) {
	i := len(line) - len(strings.TrimLeft(line, " \t"))
	number := strings.TrimPrefix(line[i:], "0x")
	at := len(line) - len(number)
	n := 0
	for n < len(number) && isHex(number[n]) {
		n++
	}
	after := number[n:]
	colon := strings.HasPrefix(after, ":")
	alone := strings.TrimSpace(after) == ""
	blank := alone || strings.HasPrefix(after, "  ")
	if n < 4 || n > 16 || !colon && !blank {
		return 0, len(line), nil
	}
	offset, err := strconv.ParseUint(number[:n], 16, 64)
	if err != nil {
		return 0, 0, &HexError{d.line, at + 1, err}
	}
	if alone && !colon && offset == 0 {
		return 0, len(line), nil // no dump has such a line: the zeros are data
	}
	have := uint64(len(d.out) - d.base) //nolint:gosec // base is an earlier length of out
	switch {
	case offset == have:
	case offset == 0:
		d.base = len(d.out)
	case colon:
		return 0, 0, &HexError{d.line, at + 1, fmt.Errorf("offset %#x, but %#x bytes so far", offset, have)}
	default: // eight digits and two spaces can be data as well
		return 0, len(line), nil
	}
	start = at + n
	if colon {
		start++
	}
	return start, start + hexPart(line[start:], colon), nil
}

// hexPart is the length of the bytes of a dump line behind its offset: up to the
// characters, which hexdump -C puts between bars, and the others behind two spaces
// (with a colon) or three (without, where two are a gap in the middle).
func hexPart(s string, colon bool) int {
	if i := strings.Index(s, "  |"); i >= 0 && !colon {
		return i
	}
	gap := "   "
	if colon {
		gap = "  "
	}
	lead := len(s) - len(strings.TrimLeft(s, " \t"))
	if i := strings.Index(s[lead:], gap); i >= 0 {
		return lead + i
	}
	return len(s)
}

func (d *hexDecoder) digits(line string, start, end int) error {
	for i := start; i < end; i++ {
		b := line[i]
		switch {
		case isHex(b):
			if b == '0' && !d.half && i+1 < end && (line[i+1] == 'x' || line[i+1] == 'X') {
				i++
				continue
			}
			d.digit(b, i)
		case b == '\\' && i+1 < end && line[i+1] == 'x':
			i++
		case b == ' ', b == '\t', b == ',':
		default:
			return &HexError{d.line, i + 1, fmt.Errorf("%q is not a hex digit", line[i:i+runeLen(line[i:])])}
		}
	}
	return nil
}

func (d *hexDecoder) digit(b byte, column int) {
	v := hexValue(b)
	if d.half {
		d.out = append(d.out, d.nibble<<4|v)
		d.half = false
		return
	}
	d.half, d.nibble, d.halfLine, d.halfColumn = true, v, d.line, column+1
}

func runeLen(s string) int {
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

func hexValue(b byte) byte {
	switch {
	case b <= '9':
		return b - '0'
	case b <= 'F':
		return b - 'A' + 10
	default:
		return b - 'a' + 10
	}
}
