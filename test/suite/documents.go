package suite

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

var update = flag.Bool("update", false, "write what the tests found into docs/errors.md and README.md instead of comparing it")

// The documents that tell what was found. What is theirs stands between marks with the
// name of a protocol's codec.
const (
	errorsFile = "../../docs/errors.md"
	readmeFile = "../../README.md"
)

// testReadme keeps true what README says of the peers that make mixed calls.
func (p *Protocol) testReadme(t *testing.T) { compareDocument(t, readmeFile, p.Codec, p.peers()) }

// peers is the line of README: which clients called, and which servers answered.
func (p *Protocol) peers() string {
	clients, servers := sides{}, sides{}
	for _, pair := range p.Pairs {
		clients.add(pair.Client)
		servers.add(pair.Server)
	}
	if clients, servers := clients.String(), servers.String(); clients != servers {
		return fmt.Sprintf("%s: clients %s; servers %s\n", p.Name, clients, servers)
	}
	return fmt.Sprintf("%s: %s\n", p.Name, clients)
}

// sides are the peers on one side of a protocol's pairs: the settings of each, by name. One
// that is tested in one setting alone has nothing to tell.
type sides map[string]map[string]bool

func (s sides) add(peer peers.Peer) {
	name, settings, _ := strings.Cut(peer.String(), " ")
	if s[name] == nil {
		s[name] = map[string]bool{}
	}
	if settings != "" {
		for word := range strings.SplitSeq(settings, "-") {
			s[name][word] = true
		}
	}
}

func (s sides) String() string {
	all := make([]string, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		text := name
		if settings := slices.Sorted(maps.Keys(s[name])); len(settings) > 1 {
			text += " (" + strings.Join(settings, ", ") + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// compareDocument compares what stands between the marks of a protocol in a document,
// or writes it.
func compareDocument(t *testing.T, file, mark, want string) {
	t.Helper()
	const end = "<!-- end -->"
	begin := "<!-- begin: " + mark + " -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for what was found: no lines %s%s", file, begin, end)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != want {
		t.Errorf("%s is not what was found; -update writes it:\n%s", file, want)
	}
}
