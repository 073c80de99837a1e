package controller

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// replica is a running controller.
type replica struct {
	*kube.Process
	m       *mesh
	metrics string // address
}

// start starts a controller.
func (m *mesh) start(args ...string) *replica {
	m.t.Helper()
	r := &replica{m: m, metrics: fmt.Sprintf("127.0.0.1:%d", machine.FreePort(m.t))}
	probes := fmt.Sprintf("127.0.0.1:%d", machine.FreePort(m.t))
	cmd := exec.Command(built(m.t, "meltemi-controller"), append([]string{
		"--metrics-bind-address", r.metrics, "--health-probe-bind-address", probes,
		"--leader-election-namespace", "meltemi-system", "--debug",
	}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+m.Kubeconfig(user))
	r.Process = kube.Begin(m.t, cmd)
	for _, page := range []string{"/healthz", "/readyz"} {
		kube.Eventually(m.t, kube.Patience, func() string {
			if r.Ended() {
				m.t.Fatal("the controller ended")
			}
			_, err := get("http://" + probes + page)
			if err != nil {
				return err.Error()
			}
			return ""
		})
	}
	return r
}

// leads tells whether a replica leads.
func (r *replica) leads() bool {
	text, err := get("http://" + r.metrics + "/metrics")
	if err != nil {
		r.m.t.Fatal(err)
	}
	return strings.Contains(text, `leader_election_master_status{name="meltemi-controller"} 1`)
}

// metric is the sum of a metric's series whose labels have some text in them.
func (r *replica) metric(name, labels string) float64 {
	r.m.t.Helper()
	text, err := get("http://" + r.metrics + "/metrics")
	if err != nil {
		r.m.t.Fatal(err)
	}
	sum, found := 0.0, false
	for line := range strings.Lines(text) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if of, have, _ := strings.Cut(series, "{"); of != name || !strings.Contains(have, labels) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			r.m.t.Fatalf("%q: %v", line, err)
		}
		sum, found = sum+n, true
	}
	if !found {
		r.m.t.Fatalf("there is no metric %s{%s}:\n%s", name, labels, text)
	}
	return sum
}

func get(url string) (string, error) {
	answer, err := kube.HTTP.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, text)
	}
	return string(text), err
}
