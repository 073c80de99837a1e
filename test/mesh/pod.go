package mesh

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meltemi-mesh/meltemi/test/kube"
)

// Spec is a pod to be.
type Spec struct {
	Name   string
	Labels map[string]string // app: NAME, if there are none
	// Account is the service account that the pod runs as, which is made. "default" by
	// default.
	Account string
	// Ports are where the program listens. The pod is ready once it does.
	Ports []int
	// Run is the program of the pod and its arguments: none for a pod from which a test
	// only runs commands.
	Run []string
	// NoProxy is for a pod without a sidecar, NoLibrary for one whose sidecar lacks the
	// library.
	NoProxy, NoLibrary bool
	// Gateway is for a pod that is nothing but a gateway's proxy.
	Gateway bool
	// Envoy is the version of the proxy's Envoy: the newest that is pinned by default.
	Envoy string
	// Environment are variables of the proxy (proxyMetadata).
	Environment map[string]string
	// Annotations are those of the pod beside the ones that deliver the library.
	Annotations map[string]string
}

// Serve is a pod that runs `meltemi serve CODEC` at a port, which prints a line for each
// call. Its label "app" is the codec, its label "version" the part of its name after "-".
func Serve(codec, name string, port int, flags ...string) Spec {
	labels := map[string]string{"app": codec}
	if _, version, ok := strings.Cut(name, "-"); ok {
		labels["version"] = version
	}
	return Spec{
		Name: name, Labels: labels, Ports: []int{port},
		Run: append([]string{Built("meltemi"), "serve", codec, "0.0.0.0:" + strconv.Itoa(port), "--name", name, "--verbose"}, flags...),
	}
}

// Pod is a pod that runs.
type Pod struct {
	Spec

	IP        string
	Namespace *Namespace
	// App and Proxy are its programs; nil if it has none.
	App, Proxy *kube.Process

	netns string // the name of its network namespace
	admin *http.Client
	gone  bool
}

var pods atomic.Int32

// t is the test that the pod is used by.
func (p *Pod) t() testing.TB { return p.Namespace.t }

// Start starts pods, and waits until all are ready.
func (n *Namespace) Start(specs ...Spec) []*Pod {
	n.t.Helper()
	all := make([]*Pod, len(specs))
	for i := range specs {
		all[i] = n.begin(&specs[i])
	}
	for _, p := range all {
		p.awaitReady()
	}
	return all
}

// begin starts a pod.
func (n *Namespace) begin(spec *Spec) *Pod {
	n.t.Helper()
	number := int(pods.Add(1))
	p := &Pod{
		Spec: *spec, Namespace: n,
		IP: fmt.Sprintf("198.18.%d.%d", 1+number/250, 1+number%250), netns: n.Name + "." + spec.Name,
	}
	if p.Labels == nil {
		p.Labels = map[string]string{"app": p.Name}
	}
	p.admin = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: p.Dial, DisableKeepAlives: true}}
	if err := p.joinNetwork(fmt.Sprintf("veth%d", number)); err != nil {
		n.t.Fatal(err)
	}
	p.create()
	if !spec.NoProxy {
		p.startProxy()
	}
	if len(spec.Run) > 0 {
		p.App = kube.Begin(p.files("app"), p.Command(spec.Run...))
	}
	n.t.Cleanup(p.remove) // before its programs are asked to end, which takes them seconds
	return p
}

// joinNetwork makes the pod's network namespace, with a link to the node alone.
func (p *Pod) joinNetwork(link string) error {
	in := "ip -n " + p.netns
	err := commands(
		"ip netns add "+p.netns,
		"ip link add "+link+" type veth peer name eth0 netns "+p.netns,
		"ip link set "+link+" up",
		"ip route add "+p.IP+" dev "+link,
		in+" link set lo up",
		in+" address add "+p.IP+"/32 dev eth0",
		in+" link set eth0 up",
		in+" route add "+nodeIP+" dev eth0",
		in+" route add default via "+nodeIP,
	)
	return err
}

// Within runs a function whose sockets and programs are the pod's. It holds for what f
// itself does, not for goroutines that it starts.
func (p *Pod) Within(f func()) {
	p.t().Helper()
	runtime.LockOSThread()
	own, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		p.t().Fatal(err)
	}
	pods, err := unix.Open("/run/netns/"+p.netns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		p.t().Fatal(err)
	}
	if err := unix.Setns(pods, unix.CLONE_NEWNET); err != nil {
		p.t().Fatal(err)
	}
	defer func() {
		err := unix.Setns(own, unix.CLONE_NEWNET)
		_, _ = unix.Close(own), unix.Close(pods)
		if err != nil {
			p.t().Fatal(err) // the thread stays locked, so it ends with its goroutine
		}
		runtime.UnlockOSThread()
	}()
	f()
}

// Dial dials from the pod, as net.Dialer.DialContext does. The host has to be an address.
func (p *Pod) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	p.Within(func() { conn, err = (&net.Dialer{}).DialContext(ctx, network, address) })
	return conn, err
}

// Command is a program in the pod's network, which runs as root as the pod's own does: what
// it dials goes through the sidecar.
func (p *Pod) Command(args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--net=/run/netns/" + p.netns}, args...)...)
}

// Begin starts a program in the pod's network, until the test's end.
func (p *Pod) Begin(args ...string) *kube.Process {
	p.t().Helper()
	return kube.Begin(p.files("program"), p.Command(args...))
}

// files is the test with folders for a program of the pod's.
func (p *Pod) files(program string) testing.TB { return kept{p.t(), p.netns + "-" + program} }

// Output runs a program in the pod's network to its end.
func (p *Pod) Output(args ...string) (stdout, stderr string, err error) {
	var out, problems strings.Builder
	cmd := p.Command(args...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	err = cmd.Run()
	return out.String(), problems.String(), err
}

// awaitReady waits until the pod is ready, as its readiness probes find out.
func (p *Pod) awaitReady() {
	p.t().Helper()
	kube.Eventually(p.t(), kube.Patience, func() string {
		for name, program := range map[string]*kube.Process{"program": p.App, "proxy": p.Proxy} {
			if program != nil && program.Ended() {
				p.t().Fatalf("the %s of pod %s ended", name, p.Name)
			}
		}
		for _, port := range p.Ports {
			ctx, cancel := context.WithTimeout(p.t().Context(), time.Second)
			conn, err := p.Dial(ctx, "tcp", net.JoinHostPort(p.IP, strconv.Itoa(port)))
			cancel()
			if err != nil {
				return fmt.Sprintf("pod %s: %v", p.Name, err)
			}
			_ = conn.Close()
		}
		if p.Proxy == nil {
			return ""
		}
		if _, err := p.get("http://127.0.0.1:15021/healthz/ready"); err != nil {
			return fmt.Sprintf("pod %s: %v", p.Name, err)
		}
		return ""
	})
	p.Namespace.Mesh.report(p.t(), p.Namespace.Name, p.Name, p.IP, true)
}

// labels are the labels of the pod's object.
func (p *Pod) labels() map[string]string {
	labels := maps.Clone(p.Labels)
	switch {
	case p.NoProxy:
		labels["sidecar.istio.io/inject"] = "false"
	case p.Gateway:
		labels["sidecar.istio.io/inject"] = "true"
	}
	return labels
}
