package main

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

var updateReadme = flag.Bool("update", false, "write the table of protocols into README.md instead of comparing it")

// feature is a row of README's table of protocols.
type feature struct {
	name string
	of   func(*evidence) string
}

// features are told by what a codec declares, and by what it reads and changes in
// messages that other implementations made.
var features = []feature{
	{"calls and replies", func(e *evidence) string {
		return yes(e.kinds[sdk.KindRequest] && e.kinds[sdk.KindResponse])
	}},
	{"one-way calls", func(e *evidence) string { return yes(e.kinds[sdk.KindOneWay]) }},
	{"metadata as headers", func(e *evidence) string { return yes(e.metadata) }},
	{"headers changed by a policy reach the server", func(e *evidence) string { return yes(e.changed) }},
	{"deadline in the message", func(e *evidence) string { return yes(e.timeout) }},
	{"replies are paired", func(e *evidence) string {
		if slices.Contains(e.declared, "in-order") {
			return "by order"
		}
		return "by id"
	}},
	{"heartbeats answered", declared("heartbeat-reply")},
	{"heartbeats sent", declared("heartbeat")},
	{"go-away when Envoy drains", declared("go-away")},
	{"shares a port (`auto`)", declared("sniff")},
	{"statuses of its own", func(e *evidence) string { return strconv.Itoa(e.statuses) }},
	{"`meltemi call`", declared("build-request")},
	{"`meltemi serve`", declared("build-response")},
	{"`meltemi inspect` shows arguments", declared("view")},
	{"routes and policies by argument (`arguments`)", declared("arguments")},
	{"answers can be kept (`cache`)", declared("keys")},
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "-"
}

func declared(capability string) func(*evidence) string {
	return func(e *evidence) string { return yes(slices.Contains(e.declared, capability)) }
}

// TestReadmeTellsWhatCodecsCan keeps README's table of protocols true.
func TestReadmeTellsWhatCodecsCan(t *testing.T) {
	info, err := moduleinfo.Describe(builtinCodecs(), builtinFilters())
	if err != nil {
		t.Fatal(err)
	}
	var head strings.Builder
	rows := make([]string, len(features))
	for i, c := range info.Codecs {
		head.WriteString(" " + c.Name + " |")
		e := gather(t, builtinCodecs()[i], c.Capabilities)
		for j, f := range features {
			rows[j] += " " + f.of(e) + " |"
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| |%s\n| ---%s |\n", head.String(), strings.Repeat(" | ---", len(info.Codecs)))
	for i, f := range features {
		fmt.Fprintf(&table, "| %s |%s\n", f.name, rows[i])
	}
	compareReadme(t, table.String())
}

// evidence is what a codec declares, and what was seen of it.
type evidence struct {
	declared                   []string
	statuses                   int
	kinds                      map[sdk.Kind]bool
	metadata, changed, timeout bool
}

// gather has a codec read the messages of other implementations that testdata holds.
func gather(t *testing.T, d sdk.Definition, capabilities []string) *evidence {
	t.Helper()
	codec, err := d.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &evidence{declared: capabilities, kinds: map[sdk.Kind]bool{}}
	if table, ok := codec.(sdk.StatusTable); ok {
		e.statuses = len(table.Statuses())
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", d.Name, "frames.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(string(text)) {
		if strings.HasPrefix(row, "#") {
			continue
		}
		column := strings.Split(strings.TrimSpace(row), "\t") // name, source, sender, bytes
		if len(column) != 4 {
			t.Fatalf("%s: %q has not four columns", d.Name, row)
		}
		frame, err := hex.DecodeString(column[3])
		if err != nil {
			t.Fatalf("%s: %s: %v", d.Name, column[0], err)
		}
		from := sdk.FromClient
		if column[2] == "server" {
			from = sdk.FromServer
		}
		e.see(codec, from, frame)
	}
	return e
}

// see notes what a message shows. One that the codec refuses shows nothing.
func (e *evidence) see(codec sdk.Codec, from sdk.Side, frame []byte) {
	m, ok := read(codec, from, frame)
	if !ok {
		return
	}
	e.kinds[m.Kind] = true
	if m.Kind != sdk.KindRequest {
		return
	}
	e.metadata = e.metadata || len(m.Entries()) > 0
	e.timeout = e.timeout || m.Timeout > 0
	const key, value = "readme", "was here"
	changed, err := codec.Encode(nil, m, &sdk.Mutation{Set: []sdk.Entry{{Key: []byte(key), Value: []byte(value)}}})
	if err != nil {
		return
	}
	if m, ok := read(codec, from, changed); ok {
		got, _ := m.Get(key)
		e.changed = e.changed || bytes.Equal(got, []byte(value))
	}
}

func read(codec sdk.Codec, from sdk.Side, frame []byte) (*sdk.Message, bool) {
	if c, ok := codec.(sdk.PerConnection); ok {
		codec = c.NewConnection()
	}
	m := &sdk.Message{}
	n, err := codec.Decode(from, frame, m)
	if err != nil {
		return nil, false
	}
	m.Bytes = frame[:n]
	switch m.Kind {
	case sdk.KindRequest, sdk.KindOneWay, sdk.KindResponse:
		return m, codec.Metadata(m) == nil
	case sdk.KindUnknown, sdk.KindHeartbeat, sdk.KindHeartbeatReply, sdk.KindGoAway:
	}
	return m, true
}

// compareReadme compares what stands between the marks of README, or writes it.
func compareReadme(t *testing.T, table string) {
	t.Helper()
	const begin, end = "<!-- begin: TestReadmeTellsWhatCodecsCan -->\n", "<!-- end -->"
	file := filepath.Join("..", "..", "README.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	if *updateReadme {
		if err := os.WriteFile(file, []byte(before+begin+table+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table {
		t.Errorf("%s is behind what the codecs can do; go test ./cmd/meltemi -run %s -update writes it:\n%s", file, t.Name(), table)
	}
}
