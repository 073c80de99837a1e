package mesh

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

const (
	// workDir is the variable with the folder that the node may write into. Without it
	// a process is not on the node yet.
	workDir = "MELTEMI_MESH_DIR"
	// keepLogs is the variable with a folder in which all that a run writes is kept, in
	// one of its own.
	keepLogs = "MELTEMI_MESH_KEEP"

	nodeIP     = "198.18.0.1"
	clusterIPs = "198.51.100.0/24"
)

// Main runs the tests of a package on a node of their own, and returns the exit code. The
// node is this program once more, in new namespaces of the network, of mounts and of
// processes, so that all there is on it ends with it, however that comes about. It has
// no link to the network outside, so prepare, which may be nil, builds before it is there
// what tests need.
func Main(m *testing.M, prepare func(tb testing.TB)) int {
	if os.Getenv(workDir) == "" {
		code, err := enter(prepare)
		if err != nil {
			fmt.Fprintf(os.Stderr, "mesh: starting the node, which takes root: %v\n", err)
			return 1
		}
		return code
	}
	life.dir = os.Getenv(workDir)
	if err := setUp(); err != nil {
		fmt.Fprintf(os.Stderr, "mesh: setting the node up: %v\n", err)
		return 1
	}
	code := m.Run()
	life.end()
	return code
}

// enter runs this program on the node, and returns its exit code.
func enter(prepare func(tb testing.TB)) (int, error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	keep := os.Getenv(keepLogs)
	if keep != "" {
		if err := os.MkdirAll(keep, 0o755); err != nil {
			return 0, err
		}
	}
	dir, err := os.MkdirTemp(keep, "mesh")
	if err == nil {
		err = os.Chmod(dir, 0o755) // users of pods have to pass
	}
	if err != nil {
		return 0, err
	}
	if keep == "" {
		defer func() { _ = os.RemoveAll(dir) }() // what the node had in it was in memory
	}
	life.dir = dir
	if prepare != nil {
		prepare(life)
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Env = append(os.Environ(), workDir+"="+dir, "TMPDIR="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread() // the node ends with the thread that started it
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil
	}
	return 0, errors.New(cmd.ProcessState.String())
}

// setUp makes the node what it has to be. It runs there, as the first process.
func setUp() error {
	mounts := []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE}, // nothing gets out
		{"proc", "/proc", "proc", 0},
		{"run", "/run", "tmpfs", 0}, // where names of network namespaces are
	}
	for _, m := range mounts {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	if os.Getenv(keepLogs) == "" {
		if err := syscall.Mount("mesh", os.Getenv(workDir), "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("mounting %s: %w", os.Getenv(workDir), err)
		}
	}
	return network()
}

// network gives the node its address. It routes between pods, as Kubernetes' nodes do.
func network() error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return err
	}
	return commands(
		"ip link set lo up",
		"ip address add "+nodeIP+"/32 dev lo",
		// The node itself dials Services too: it needs a route before it knows better.
		"ip route add "+clusterIPs+" dev lo src "+nodeIP,
		// A Service without endpoints refuses.
		"iptables -A FORWARD -d "+clusterIPs+" -p tcp -j REJECT --reject-with tcp-reset",
	)
}

// commands runs commands, whose words have no spaces.
func commands(lines ...string) error {
	for _, line := range lines {
		words := strings.Fields(line)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s (.ci/install gets iproute2 and iptables on Debian)", line, err, out)
		}
	}
	return nil
}
