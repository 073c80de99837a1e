package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// namespace is where the chart is installed.
const namespace = "meltemi-system"

// helm is Helm with folders of its own.
type helm struct {
	t   *testing.T
	env []string
}

// newHelm is Helm for an API server, by its kubeconfig; "" is for what needs none.
func newHelm(t *testing.T, kubeconfig string) *helm {
	t.Helper()
	home := t.TempDir()
	return &helm{t, append(os.Environ(), "KUBECONFIG="+kubeconfig,
		"HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)}
}

// run runs a command of Helm, and returns what it prints.
func (h *helm) run(args ...string) string {
	h.t.Helper()
	out, problems, err := h.try(args...)
	if err != nil {
		h.t.Fatalf("helm %s: %v\n%s%s", strings.Join(args, " "), err, out, problems)
	}
	return out
}

// try runs a command of Helm that may fail.
func (h *helm) try(args ...string) (out, problems string, err error) {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), kube.Part(h.t, "helm"), args...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = h.env, &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// template renders the chart.
func (h *helm) template(args ...string) string {
	h.t.Helper()
	return h.run(append([]string{"template", "meltemi", chart(h.t), "--namespace", namespace}, args...)...)
}

// chart is the folder of our chart.
func chart(t *testing.T) string {
	t.Helper()
	return filepath.Join(machine.Root(t), "deploy", "helm", "meltemi")
}

// read reads a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(machine.Root(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
