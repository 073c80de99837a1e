package hessian2

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/text"
)

// chunksOf codes s as a single chunk, in each of the forms that have room for it.
// Source: http://hessian.caucho.com/doc/hessian-serialization.html, section 4.13.
func chunksOf(s string) (all []string) {
	n := len(utf16.Encode([]rune(s)))
	if n <= 0x1f {
		all = append(all, string([]byte{byte(n)})+s)
	}
	if n <= 0x3ff {
		all = append(all, string([]byte{0x30 + byte(n>>8), byte(n)})+s)
	}
	return append(all, string([]byte{'S', byte(n >> 8), byte(n)})+s)
}

// TestTextOfAllLengths reads strings that the fast way takes beside some that it
// leaves to the other one: a letter that is not ASCII stands at each place in turn.
func TestTextOfAllLengths(t *testing.T) {
	lengths := []int{0, 1, 2, 6, 7, 8, 9, 15, 16, 17, 30, 31, 32, 33, 127, 128, 129, 255, 256, 1022, 1023, 1024}
	for _, n := range lengths {
		plain := strings.Repeat("abcdefg", n/7+1)[:n]
		texts := []string{plain}
		for at := 0; at < n; at += max(1, n/20) {
			texts = append(texts, plain[:at]+"é"+plain[at+1:], plain[:at]+"海"+plain[at+1:])
		}
		for _, s := range texts {
			for _, chunk := range chunksOf(s) {
				t.Run(fmt.Sprintf("%d/%x", n, chunk[:1]), func(t *testing.T) { readsBetween(t, chunk, s) })
			}
		}
	}
}

// readsBetween reads the chunk between others, alone, as a pair, and cut short.
func readsBetween(t *testing.T, chunk, want string) {
	t.Helper()
	r := NewReader([]byte("\x03one" + chunk + "\x90" + chunk + "\x03two" + chunk + chunk + "Z"))
	readText(t, &r, "one")
	readText(t, &r, want)
	if n := r.Int(); n != 0 {
		t.Errorf("then %d", n)
	}
	r.Skip()
	readText(t, &r, "two")
	at := r.Offset()
	if key, value, valueAt, ok := r.PlainPair(); ok {
		if string(key) != want || string(value) != want || valueAt != at+len(chunk) {
			t.Errorf("a pair %q and %q at %d", key, value, valueAt)
		}
	} else {
		readText(t, &r, want)
		readText(t, &r, want)
	}
	if !r.End() || r.Len() != 0 {
		t.Errorf("%d bytes left, %v", r.Len(), r.Err())
	}
	for cut := range min(len(chunk), 40) {
		r := NewReader([]byte(chunk[:cut]))
		if s, ok := r.Text(text.Copier{}); ok || r.Err() == nil {
			t.Fatalf("%q of a string cut to %d bytes", s, cut)
		}
	}
}

func readText(t *testing.T, r *Reader, want string) {
	t.Helper()
	if s, ok := r.Text(text.Copier{}); !ok || string(s) != want {
		t.Fatalf("%q, want %q (%v)", s, want, r.Err())
	}
}

// TestResetForgets reads a second input with a reader that failed in the first.
func TestResetForgets(t *testing.T) {
	var r Reader
	r.Reset([]byte("C\x01a\x91\x01b\x60\x01x" + strings.Repeat("plain", 20)))
	r.Skip()
	r.Fail(ErrTag)
	r.Reset([]byte("\x02\xc3\xa9a\x60"))
	readText(t, &r, "éa")
	if r.Skip(); r.Err() == nil {
		t.Error("an object of a class of the first input was read")
	}
}
