package capture_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/capture"
)

// Dumps of the same bytes, made by the programs that they are named after.
var dumps = map[string]string{
	"xxd": `00000000: dabb c200 0000 0000 0000 0001 0000 00c3  ................
00000010: 0532 2e30 2e32 206f 7267                 .2.0.2 org
`,
	"xxd -g1": `00000000: da bb c2 00 00 00 00 00 00 00 00 01 00 00 00 c3  ................
00000010: 05 32 2e 30 2e 32 20 6f 72 67                    .2.0.2 org
`,
	"xxd -p": "dabbc2000000000000000001000000c305322e302e32206f7267\n",
	"hexdump -C": `00000000  da bb c2 00 00 00 00 00  00 00 00 01 00 00 00 c3  |................|
00000010  05 32 2e 30 2e 32 20 6f  72 67                    |.2.0.2 org|
0000001a
`,
	"Wireshark": `0000   da bb c2 00 00 00 00 00 00 00 00 01 00 00 00 c3   ................
0010   05 32 2e 30 2e 32 20 6f 72 67                     .2.0.2 org
`,
	"tcpdump -X": `	0x0000:  dabb c200 0000 0000 0000 0001 0000 00c3  ................
	0x0010:  0532 2e30 2e32 206f 7267                 .2.0.2.org
`,
	"od -A x -t x1": `000000  da bb c2 00 00 00 00 00 00 00 00 01 00 00 00 c3
000010  05 32 2e 30 2e 32 20 6f 72 67
00001a
`,
	"Go":         `0xda, 0xbb, 0xc2, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0xc3, 0x05, 0x32, 0x2e, 0x30, 0x2e, 0x32, 0x20, 0x6f, 0x72, 0x67`,
	"C":          `\xda\xbb\xc2\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\xc3\x05\x32\x2e\x30\x2e\x32\x20\x6f\x72\x67`,
	"upper case": "DABBC200 00000000 00000001 000000C3\r\n05322E30 2E32206F 7267\r\n",
	"comments":   "# all of it\ndabbc200 # magic\n0000 # zeros\n0000  # 0 1 2\n0000\n0001000000c3\n05322e302e32206f7267#\n",
	"xxd with #": "00000000: dabb c200 0000 0000 0000 0001 0000 00c3  #...............\n" +
		"00000010: 0532 2e30 2e32 206f 7267                 .2.#.2 org\n",
	"by hand": "# a request\ndabb c2 00\n  0000000000000001  000000c3\n# its body\n05 32 2e 30 2e 32 20 6f 7\n2 67",
}

func TestDecodeHex(t *testing.T) {
	want := "dabbc2000000000000000001000000c305322e302e32206f7267"
	for name, text := range dumps {
		t.Run(name, func(t *testing.T) {
			got, err := capture.DecodeHex([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString(got) != want {
				t.Errorf("got %x\nwant %s", got, want)
			}
		})
	}
}

func TestDecodeHexOfSeveralDumps(t *testing.T) {
	got, err := capture.DecodeHex([]byte(dumps["xxd"] + "\n" + dumps["xxd"]))
	if err != nil || len(got) != 2*26 {
		t.Errorf("got %x, %v", got, err)
	}
}

func TestDecodeHexErrors(t *testing.T) {
	for text, want := range map[string]string{
		"da bb\nxy":                    `hex: line 2, column 1: "x" is not a hex digit`,
		"da bb é":                      `hex: line 1, column 7: "é" is not a hex digit`,
		"da b":                         "hex: line 1, column 4: odd number of digits",
		"00000000: dabb\n00000010: c2": "hex: line 2, column 1: offset 0x10, but 0x2 bytes so far",
		"00000000: dabb\n*\n":          "hex: line 2, column 1: the dump leaves out repeated lines; make it with -v",
	} {
		_, err := capture.DecodeHex([]byte(text))
		var place *capture.HexError
		if err == nil || err.Error() != want || !errors.As(err, &place) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestDecodeHexOfNothing(t *testing.T) {
	if got, err := capture.DecodeHex(nil); err != nil || len(got) != 0 {
		t.Errorf("got %x, %v", got, err)
	}
}

func FuzzDecodeHex(f *testing.F) {
	for _, text := range dumps {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := capture.DecodeHex(text)
		if (b == nil) == (err == nil) {
			t.Fatalf("got %x and %v", b, err)
		}
		if len(b) > len(text) {
			t.Fatalf("%d bytes out of %d of text", len(b), len(text))
		}
	})
}

// FuzzDecodeHexReadsXXD checks the dumps of any bytes.
func FuzzDecodeHexReadsXXD(f *testing.F) {
	f.Add([]byte("hello  |world|  00000000"))
	f.Fuzz(func(t *testing.T, want []byte) {
		for name, text := range map[string]string{"xxd": xxd(want), "hexdump -C": hex.Dump(want), "plain": hex.EncodeToString(want)} {
			got, err := capture.DecodeHex([]byte(text))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: got %x, %v of\n%s", name, got, err, text)
			}
		}
	})
}

// xxd writes b as the program of that name does.
func xxd(b []byte) string {
	var s strings.Builder
	for i := 0; i < len(b); i += 16 {
		row := b[i:min(i+16, len(b))]
		var digits, text strings.Builder
		for j, c := range row {
			fmt.Fprintf(&digits, "%02x", c)
			if j%2 == 1 {
				digits.WriteByte(' ')
			}
			if c < ' ' || c > '~' {
				c = '.'
			}
			text.WriteByte(c)
		}
		fmt.Fprintf(&s, "%08x: %-40s %s\n", i, digits.String(), text.String())
	}
	return s.String()
}
