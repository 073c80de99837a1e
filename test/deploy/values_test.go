package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// values are what users can set, and what it brings into the rendered chart, or takes out.
// Each leaf of values.yaml is here.
var values = []struct{ path, set, brings, takes string }{
	{"image.repository", "example.org/mesh/controller", `image: "example.org/mesh/controller:`, ""},
	{"image.tag", "v7", `image: "meltemi-controller:v7"`, ""},
	{"image.digest", "sha256:" + strings.Repeat("0a", 32), `image: "meltemi-controller@sha256:0a0a`, ""},
	{"image.pullPolicy", "Always", "imagePullPolicy: Always", ""},
	{"imagePullSecrets", "[{name: pull}]", "imagePullSecrets:\n      - name: pull", ""},
	{"replicas", "3", "replicas: 3", ""},
	{"mesh.rootNamespace", "root", "- --root-namespace=root\n", ""},
	{"mesh.clusterDomain", "example.org", "- --cluster-domain=example.org\n", ""},
	{"mesh.clientNamespaces", "[shop, web]", "- --client-namespaces=shop,web\n", ""},
	{"library.name", "/opt/rpc/librpc.so", "- --library=/opt/rpc/librpc.so\n", ""},
	{"library.inAllProxies", "true", "- --proxies-have-library=true\n", ""},
	{"library.info", `"{\"codecs\": [\"it's: #1\"]}"`, `library.json: "{\"codecs\": [\"it's: #1\"]}"`, ""},
	{"log.debug", "true", "- --debug=true\n", ""},
	{"log.json", "false", "- --log-json=false\n", ""},
	{"metrics.service", "true", "kind: Service\n", ""},
	{"metrics.podMonitor", "true", "kind: PodMonitor\n", ""},
	{"metrics.interval", "5s", "interval: 5s", ""},
	{"minAvailable", "2", "minAvailable: 2", ""},
	{"minAvailable", "0", "", "kind: PodDisruptionBudget"},
	{"resources.requests", "{cpu: 70m}", "cpu: 70m", ""},
	{"resources.limits", "{memory: 7Gi}", "memory: 7Gi", ""},
	{"serviceAccount.annotations", `{who: "me"}`, "annotations:\n    who: me", ""},
	{"podAnnotations", `{who: "me"}`, "        who: me", ""},
	{"podLabels", `{sidecar.istio.io/inject: "true"}`, `sidecar.istio.io/inject: "true"`, ""},
	{"nodeSelector", "{disk: ssd}", "nodeSelector:\n        disk: ssd", ""},
	{"tolerations", "[{operator: Exists}]", "tolerations:\n      - operator: Exists", ""},
	{"affinity", "{nodeAffinity: {}}", "nodeAffinity: {}", ""},
	{"priorityClassName", "system-cluster-critical", "priorityClassName: system-cluster-critical", ""},
	{"crds.install", "false", "", "kind: CustomResourceDefinition"},
}

// TestValues has each value change what it says, and no other thing be a value.
func TestValues(t *testing.T) {
	t.Parallel()
	h := newHelm(t, "")
	var defaults map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "deploy/helm/meltemi/values.yaml")), &defaults); err != nil {
		t.Fatal(err)
	}
	untried := leaves(nil, "", defaults)
	for _, v := range values {
		untried = slices.DeleteFunc(untried, func(path string) bool { return path == v.path })
		var with []string
		if v.path == "metrics.interval" { // of what is not there by default
			with = []string{"--set", "metrics.podMonitor=true"}
		}
		before, after := h.template(with...), h.template(append(with, "--values", valuesFile(t, v.path, v.set))...)
		if v.brings != "" && (!strings.Contains(after, v.brings) || strings.Contains(before, v.brings)) {
			t.Errorf("%s: %s does not bring %q", v.path, v.set, v.brings)
		}
		if v.takes != "" && (strings.Contains(after, v.takes) || !strings.Contains(before, v.takes)) {
			t.Errorf("%s: %s does not take %q away", v.path, v.set, v.takes)
		}
	}
	if len(untried) > 0 {
		t.Errorf("no case sets %q", untried)
	}
}

// leaves are the paths of what values.yaml sets. A list is one, and so is an empty map.
func leaves(all []string, path string, value any) []string {
	m, ok := value.(map[string]any)
	if !ok || len(m) == 0 || path == "resources.requests" || path == "resources.limits" {
		return append(all, path)
	}
	for key, v := range m {
		all = leaves(all, strings.TrimPrefix(path+"."+key, "."), v)
	}
	return all
}

// valuesFile writes a value at a path for Helm.
func valuesFile(t *testing.T, path, value string) string {
	t.Helper()
	text := value
	for _, key := range slices.Backward(strings.Split(path, ".")) {
		text = "{" + key + ": " + text + "}"
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRefused has values that mean nothing refused before anything is installed.
func TestRefused(t *testing.T) {
	t.Parallel()
	h := newHelm(t, "")
	for set, want := range map[string]string{
		"replica=3":                           "'replica' not allowed",
		"image.name=x":                        "'name' not allowed",
		"mesh.root=x":                         "'root' not allowed",
		"library.path=/x":                     "'path' not allowed",
		"metrics.port=1":                      "'port' not allowed",
		"crds.keep=true":                      "'keep' not allowed",
		"resources.memory=1Gi":                "'memory' not allowed",
		"replicas=two":                        "got string, want integer",
		"replicas=-1":                         "minimum",
		"mesh.rootNamespace=Istio_System":     "does not match pattern",
		"mesh.clientNamespaces={shop,*}":      "does not match pattern",
		"library.name=../libmeltemi.so":       "does not match pattern",
		"library.name=":                       "does not match pattern",
		"library.info=codecs.json":            "does not match pattern",
		"library.inAllProxies=often":          "got string, want boolean",
		"image.repository=":                   "does not match pattern",
		"image.digest=latest":                 "does not match pattern",
		"image.pullPolicy=Sometimes":          "value must be one of",
		"metrics.interval=often":              "does not match pattern",
		"podLabels.version=7":                 "got number, want string",
		"imagePullSecrets[0].secret=registry": "'secret' not allowed",
	} {
		if out, problems, err := h.try("template", chart(t), "--set", set); err == nil {
			t.Errorf("--set %s is taken:\n%s", set, out)
		} else if !strings.Contains(problems, want) {
			t.Errorf("--set %s is refused with %s, want %q", set, problems, want)
		}
	}
}

// TestLint has Helm judge the chart, with its defaults and with all values set.
func TestLint(t *testing.T) {
	t.Parallel()
	h := newHelm(t, "")
	var files []string
	for _, v := range values {
		files = append(files, "--values", valuesFile(t, v.path, v.set))
	}
	for _, args := range [][]string{nil, files} {
		out := h.run(append([]string{"lint", "--strict", chart(t)}, args...)...)
		if !strings.Contains(out, "1 chart(s) linted, 0 chart(s) failed") {
			t.Error(out)
		}
	}
}
