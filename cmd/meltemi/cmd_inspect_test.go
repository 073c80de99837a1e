package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
)

// dubboCapture is tcpdump's capture on the loopback interface of `meltemi call` with an
// answer, of a one-way call, and of an HTTP request.
const dubboCapture = "testdata/dubbo.pcap"

func TestInspectCaptures(t *testing.T) {
	golden(t, "inspect_pcap", meltemi(t, "", "inspect", "dubbo", dubboCapture))
	golden(t, "inspect_pcap_json", meltemi(t, "", "inspect", "dubbo", dubboCapture, "-o", "json"))
	golden(t, "inspect_pcap_port", meltemi(t, "", "inspect", "dubbo", dubboCapture, "--port", "20888"))
}

func TestInspectReadsTheSameFromPcapng(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dubbo.pcapng")
	if err := os.WriteFile(file, asPcapng(t, dubboCapture), 0o600); err != nil {
		t.Fatal(err)
	}
	got, want := meltemi(t, "", "inspect", "dubbo", file), meltemi(t, "", "inspect", "dubbo", dubboCapture)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got.stdout, want.stdout)
	}
}

// asPcapng is a pcap file in the other format.
func asPcapng(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	from, err := pcapgo.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	to, err := pcapgo.NewNgWriter(&out, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, info, err := from.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := to.WritePacket(info, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestInspectACutCapture(t *testing.T) {
	b, err := os.ReadFile(dubboCapture)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "inspect_pcap_cut", meltemi(t, string(b[:len(b)/2]), "inspect", "dubbo", "--port", "20880"))
}

func TestInspectHex(t *testing.T) {
	golden(t, "inspect_hex", meltemi(t, "", "inspect", "dubbo", "--hex", "testdata/dubbo-go.hex"))
	golden(t, "inspect_hex_json", meltemi(t, "", "inspect", "dubbo", "--hex", "testdata/dubbo-go.hex", "-o", "json"))
}

func TestInspectPaths(t *testing.T) {
	paths := []string{"--path", "0", "--path", "1", "--path", "0.name"}
	golden(t, "inspect_paths", meltemi(t, "", append([]string{"inspect", "dubbo", dubboCapture}, paths...)...))
	golden(t, "inspect_paths_json", meltemi(t, "", append([]string{"inspect", "dubbo", dubboCapture, "-o", "json"}, paths...)...))
	golden(t, "inspect_paths_hex", meltemi(t, "", append([]string{"inspect", "dubbo", "--hex", "testdata/dubbo-go.hex"}, paths...)...))
}

func TestInspectBadInput(t *testing.T) {
	heartbeat := "\xda\xbb\xe2\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01N"
	for name, test := range map[string]struct {
		input string
		args  []string
	}{
		"empty":     {"", nil},
		"garbage":   {heartbeat + "GET / HTTP/1.1\r\nHost: a\x1b[31m\r\n\r\n" + heartbeat, nil},
		"body":      {"\xda\xbb\xc2\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x07\x052.0.2\x7f" + heartbeat, nil},
		"cut":       {heartbeat + heartbeat[:14], nil},
		"too_large": {"\xda\xbb\xc2\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x01\x00" + strings.Repeat("x", 256) + heartbeat, []string{"--max-message", "100"}},
		"looks_hex": {"dabb e200 0000 0000 0000 0001", nil},
		"bad_hex":   {"dabb e200\n00zz", []string{"--hex"}},
		"json":      {"x" + heartbeat, []string{"-o", "json"}},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, "inspect_bad_"+name, meltemi(t, test.input, append([]string{"inspect", "dubbo"}, test.args...)...))
		})
	}
}

func TestInspectShortensLongValues(t *testing.T) {
	long := strings.Repeat("x", 5000)
	frame := toyFrame(t, 'r', map[string]any{"result": long, "metadata": map[string]string{"k": long}})
	r := meltemi(t, frame, "inspect", "toy")
	if r.code != cli.Good || strings.Contains(r.stdout, long) || !strings.Contains(r.stdout, "... (5002 bytes, -o json shows all)") {
		t.Errorf("%+v", r)
	}
	if r := meltemi(t, frame, "inspect", "toy", "-o", "json"); !strings.Contains(r.stdout, long) {
		t.Errorf("json: %+v", r)
	}
}

func TestInspectUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "accepts between 1 and 2 arg(s), received 0"},
		{[]string{"nope"}, `no codec "nope"`},
		{[]string{"toy", "/nonexistent"}, "open /nonexistent: no such file or directory"},
		{[]string{"toy", "--from", "both"}, `--from: no side "both": there are client, server`},
		{[]string{"toy", "--port", "x"}, `invalid argument "x" for "--port" flag`},
		{[]string{"toy", "-o", "yaml"}, `--output: no format "yaml"`},
		{[]string{"dubbo", "--path", "name"}, `--path: path "name": the first step is the number of an argument`},
		{[]string{"dubbo", "--path", "0."}, `--path: path "0.": a step is empty`},
		{[]string{"toy", "--path", "0"}, "--path: codec toy finds no arguments"},
		{[]string{"toy", "--max-message", "0"}, "--max-message: 0 is not a size"},
	} {
		r := meltemi(t, "", append([]string{"inspect"}, test.args...)...)
		if r.code != cli.Usage || !strings.Contains(r.stderr, test.want) {
			t.Errorf("%q: %+v, want %q", test.args, r, test.want)
		}
	}
}
