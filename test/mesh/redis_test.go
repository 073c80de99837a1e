package mesh

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/test/machine"
)

// What `meltemi migrate` makes of Aeraki's resources for Redis works on proxies that have
// no library, with real servers, of which one has a proxy and one has none.
func TestRedis(t *testing.T) {
	t.Parallel()
	n := New(t)
	redis := func(name string, flags ...string) Spec {
		return Spec{
			Name: name, NoLibrary: true, Ports: []int{6379},
			Run: append([]string{"redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""}, flags...),
		}
	}
	bare := redis("sessions")
	bare.NoProxy = true
	n.Apply(migrated(n, "examples/istio/redis-of-aeraki.yaml"))
	pods := n.Start(redis("redis", "--requirepass", "of-servers"), bare, Spec{Name: "client", NoLibrary: true})
	main, sessions, caller := pods[0], pods[1], pods[2]
	host, _, _ := strings.Cut(n.Address("redis", 6379), ":")
	ask := func(command ...string) string {
		out, problems, err := caller.Output(append([]string{"redis-cli", "-e", "--no-auth-warning", "-h", host}, command...)...)
		if err != nil {
			return problems + out
		}
		return strings.TrimSpace(out)
	}
	n.Eventually(func() string {
		if out := ask("-a", "of-clients", "PING"); out != "PONG" {
			return out
		}
		return ""
	})
	for _, c := range []struct{ command, want string }{
		{"GET user:1", "NOAUTH"},
		{"-a of-servers GET user:1", "invalid password"},
		{"-a of-clients SET user:1 anna", "OK"},
		{"-a of-clients SET session:1 token", "OK"},
		{"-a of-clients GET user:1", "anna"},
		{"-a of-clients GET session:1", "token"},
	} {
		if out := ask(strings.Fields(c.command)...); !strings.Contains(out, c.want) {
			t.Errorf("%s: %q, want %q", c.command, out, c.want)
		}
	}
	for server, want := range map[*Pod]string{main: "user:1", sessions: "session:1"} {
		args := []string{"redis-cli", "-e", "--no-auth-warning"}
		if server == main {
			args = append(args, "-a", "of-servers")
		}
		out, problems, err := server.Output(append(args, "KEYS", "*")...)
		if keys := strings.Fields(out); err != nil || len(keys) != 1 || keys[0] != want {
			t.Errorf("%s has the keys %q, %v %s: want %s", server.Name, out, err, problems, want)
		}
	}
	if sets := caller.Counter(`redis\..*\.command\.set\.success`); sets != 2 {
		t.Errorf("the client's proxy counts %d SET, want 2", sets)
	}
	if connections := main.Counter(`cluster\.inbound\|6379\|\|;?\.upstream_cx_total`); connections == 0 {
		t.Errorf("the proxy of %s counts no connection", main.Name)
	}
}

// migrated is what `meltemi migrate` makes of a file, whose Services are in the cluster:
// rules for Redis are found by their addresses.
func migrated(n *Namespace, path string) string {
	n.t.Helper()
	var text strings.Builder
	for _, u := range n.cluster.Documents(n.read(path, []string{".shop.", "." + n.Name + "."})) {
		u.SetNamespace(n.Name)
		object := any(u.Object)
		if u.GetKind() == "Service" {
			if err := n.cluster.TryApply(u); err != nil {
				n.t.Fatal(err)
			}
			n.applied = append(n.applied, u)
			service := &corev1.Service{}
			if err := n.cluster.Client.Get(n.t.Context(), client.ObjectKeyFromObject(u), service); err != nil {
				n.t.Fatal(err)
			}
			service.APIVersion, service.Kind = "v1", "Service"
			object = service
		}
		document, err := yaml.Marshal(object)
		if err != nil {
			n.t.Fatal(err)
		}
		text.WriteString("---\n" + string(document))
	}
	file := filepath.Join(n.t.TempDir(), "aeraki.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		n.t.Fatal(err)
	}
	var problems strings.Builder
	cmd := exec.CommandContext(n.t.Context(), Built("meltemi"), "migrate", "-f", file)
	cmd.Dir, cmd.Stderr = machine.Root(n.t), &problems
	out, err := cmd.Output()
	if err != nil {
		n.t.Fatalf("meltemi migrate: %v\n%s", err, problems.String())
	}
	return string(out)
}
