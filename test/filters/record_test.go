package filters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// recording is a folder with recorded calls.
type recording struct {
	t      *testing.T
	folder string
}

// filter is the entry of a mesh file with settings, in YAML, beside the folder.
func (r *recording) filter(settings string) string {
	return fmt.Sprintf(`[{name: record, config: {directory: %q, %s}}]`, r.folder, settings)
}

func (r *recording) files() []string {
	r.t.Helper()
	files, err := filepath.Glob(filepath.Join(r.folder, "*.jsonl"))
	if err != nil {
		r.t.Fatal(err)
	}
	return files
}

// calls waits until so many calls are there, and returns them.
func (r *recording) calls(n int) (calls []*format.Call) {
	r.t.Helper()
	await(r.t, fmt.Sprintf("%d recorded calls", n), func() bool {
		calls = r.all()
		return len(calls) == n
	})
	return calls
}

// all are the calls that are there.
func (r *recording) all() (calls []*format.Call) {
	r.t.Helper()
	for _, file := range r.files() {
		calls = append(calls, r.read(file)...)
	}
	return calls
}

// read reads a file, whose last line may still be on its way.
func (r *recording) read(file string) (calls []*format.Call) {
	r.t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	whole := b[:bytes.LastIndexByte(b, '\n')+1]
	if len(whole) == 0 {
		return nil
	}
	for reader := format.NewReader(bytes.NewReader(whole)); ; {
		c, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return calls
		}
		if err != nil {
			r.t.Fatalf("%s: %v", file, err)
		}
		calls = append(calls, c)
	}
}

// tool runs the command line and returns what it printed, and its exit code.
func tool(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(meltemi(t), args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// recordStats is the beginning of the names of a filter's metrics.
const recordStats = "dynamicmodulescustom.meltemi_record_"

// TestRecord compares what is recorded with the bytes that passed on both sides of Envoy,
// looks for a secret in the files, and replays them.
func TestRecord(t *testing.T) {
	var r *recording
	var server *tap
	eachWith(t, "", func(t *testing.T, codec string) (string, string) {
		r, server = &recording{t, t.TempDir()}, newTap(t, machine.Serve(t, codec))
		return r.filter(`redact: [token]`), server.address
	}, func(t *testing.T, m *mesh) {
		client := newTap(t, "127.0.0.1:"+m.Port)
		_, m.Port, _ = net.SplitHostPort(client.address)
		if out, failed := m.call("get", "--arg", `"one"`); failed {
			t.Fatal(out)
		}
		call := r.calls(1)[0]
		for side, seen := range map[string]*tap{"client": client, "server": server} {
			request, response := seen.take()
			if call.Request == nil || !bytes.Equal(call.Request.Frame, request) {
				t.Errorf("%s: the request was %x, recorded %+v", side, request, call.Request)
			}
			if call.Response == nil || !bytes.Equal(call.Response.Frame, response) {
				t.Errorf("%s: the response was %x, recorded %+v", side, response, call.Response)
			}
		}
		if call.Service != m.service || call.Method != "get" || call.Status == nil || call.Status.Code != "OK" || call.Codec != m.codec ||
			call.Cluster != "server" || call.Upstream != server.address || call.LatencyMS <= 0 || time.Since(call.Time).Abs() > time.Hour {
			t.Errorf("recorded %s", asJSON(t, call))
		}
		m.redacts(r)
		m.replays(r)
		r.calls(3)
		m.Eventually(recordStats+"recorded_total", "two calls and a replay", func(n int) bool { return n == 3 })
	})
}

// redacts has a call with a secret, which the server's answer repeats.
func (m *mesh) redacts(r *recording) {
	m.t.Helper()
	const secret = "s3cr3t-token-value"
	args := []string{"--set", "token=" + secret, "--set", "tenant=blue"}
	if m.codec == "thrift" { // whose other transports have no place for metadata
		args = append(args, "--codec-config", `{"transport":"theader"}`)
	}
	out, failed := m.call("secret", args...)
	if failed || !strings.Contains(out, secret) {
		m.t.Errorf("the server did not get the secret: %s", out)
	}
	call := r.calls(2)[1]
	if call.Request.Frame == nil || call.Response.Omitted != format.OmittedRedaction || call.Metadata["tenant"] != "blue" {
		m.t.Errorf("recorded %s", asJSON(m.t, call))
	}
	file, err := os.ReadFile(r.files()[0])
	if err != nil {
		m.t.Fatal(err)
	}
	for _, b := range [][]byte{file, call.Request.Frame} {
		if bytes.Contains(b, []byte(secret)) {
			m.t.Errorf("the secret is in %q", b)
		}
	}
	m.Eventually(recordStats+"omitted_messages_total.reason.redaction", "the answer", func(n int) bool { return n == 1 })
}

// replays sends what was recorded to a server like the one that answered, and to one that
// answers otherwise.
func (m *mesh) replays(r *recording) {
	m.t.Helper()
	file := r.files()[0]
	if out, code := tool(m.t, "inspect", file); code != 0 || !strings.Contains(out, "2 calls, 3 messages, 0 problems") {
		m.t.Errorf("inspect: exit code %d\n%s", code, out)
	}
	// What the server answered to the secret nobody recorded.
	args := []string{"replay", file, "--diff", "--ignore", "result.call", "--methods", "*/get", "--to"}
	if out, code := tool(m.t, append(args, "127.0.0.1:"+m.Port)...); code != 0 {
		m.t.Errorf("replay through Envoy: exit code %d\n%s", code, out)
	}
	other := machine.Serve(m.t, m.codec, "--name", "another")
	out, code := tool(m.t, append(args, other)...)
	if code != 1 || !strings.Contains(out, `- result.server:`) || !strings.Contains(out, `+ result.server: "another"`) {
		m.t.Errorf("replay to another server: exit code %d\n%s", code, out)
	}
	if m.codec == "thrift" {
		return // one of the two calls has no place for metadata
	}
	out, code = tool(m.t, "replay", file, "--to", other, "--methods", "*/secret", "--set", "TOKEN=again")
	if code != 0 || strings.Contains(out, "warning") {
		m.t.Errorf("replay with a token: exit code %d\n%s", code, out)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
