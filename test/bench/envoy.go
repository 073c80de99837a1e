package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// envoy is a running Envoy with one worker and one listener.
type envoy struct {
	cmd     *exec.Cmd
	done    chan struct{}
	log     string // file
	admin   string
	address string // of the listener
}

// startEnvoy runs Envoy with what `meltemi config` makes of a mesh file: what users
// get is what is measured.
func startEnvoy(ctx context.Context, o *options, dir, name, mesh string) (*envoy, error) {
	file := filepath.Join(dir, name+".mesh.yaml")
	if err := os.WriteFile(file, []byte(mesh), 0o600); err != nil {
		return nil, err
	}
	var complaint bytes.Buffer
	config := exec.CommandContext(ctx, o.meltemi, "config", file, "--library", o.library)
	config.Stderr = &complaint
	bootstrap, err := config.Output()
	if err != nil {
		return nil, fmt.Errorf("meltemi config %s: %w\n%s", file, err, complaint.String())
	}
	target := filepath.Join(dir, name+".yaml")
	if err := os.WriteFile(target, bootstrap, 0o600); err != nil {
		return nil, err
	}

	e := &envoy{done: make(chan struct{}), log: filepath.Join(dir, name+".log")}
	admin := filepath.Join(dir, name+".admin")
	log, err := os.Create(e.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	e.cmd = exec.Command(o.envoy, "-c", target, "--concurrency", "1", "--log-level", "error",
		"--use-dynamic-base-id", "--admin-address-path", admin)
	e.cmd.Env = append(os.Environ(), "ENVOY_DYNAMIC_MODULES_SEARCH_PATH="+filepath.Dir(o.library))
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = e.cmd.Wait()
		close(e.done)
	}()
	if err := e.awaitReady(ctx, admin); err != nil {
		e.stop()
		text, _ := os.ReadFile(e.log)
		return nil, fmt.Errorf("envoy %s: %w\n%s", name, err, text)
	}
	return e, nil
}

func (e *envoy) awaitReady(ctx context.Context, adminFile string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if text, err := os.ReadFile(adminFile); err == nil && len(text) > 0 {
			e.admin = "http://" + string(text)
			if body, err := e.get(ctx, "/ready"); err == nil && strings.HasPrefix(body, "LIVE") {
				break
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", ctx.Err())
		case <-e.done:
			return errors.New("ended at once")
		case <-time.After(20 * time.Millisecond):
		}
	}
	body, err := e.get(ctx, "/listeners?format=json")
	if err != nil {
		return err
	}
	var listeners struct {
		Statuses []struct {
			Local struct {
				Socket struct {
					Address string `json:"address"`
					Port    int    `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal([]byte(body), &listeners); err != nil {
		return err
	}
	if len(listeners.Statuses) != 1 {
		return fmt.Errorf("%d listeners, want 1", len(listeners.Statuses))
	}
	local := listeners.Statuses[0].Local.Socket
	e.address = net.JoinHostPort(local.Address, strconv.Itoa(local.Port))
	return nil
}

func (e *envoy) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.admin+path, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var body bytes.Buffer
	_, err = body.ReadFrom(resp.Body)
	return body.String(), err
}

// stat returns a counter or gauge.
func (e *envoy) stat(ctx context.Context, name string) (int, error) {
	body, err := e.get(ctx, "/stats?filter=^"+name+"$")
	if err != nil {
		return 0, err
	}
	_, value, ok := strings.Cut(strings.TrimSpace(body), ": ")
	if !ok {
		return 0, fmt.Errorf("envoy has no stat %s", name)
	}
	return strconv.Atoi(value)
}

// cpu returns the time that all threads of Envoy have used, user and system, from the
// kernel's clock of that process.
func (e *envoy) cpu() (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED, linux/posix-timers_types.h
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^e.cmd.Process.Pid)<<3|scheduled, &t); err != nil {
		return 0, fmt.Errorf("the CPU clock of envoy: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

func (e *envoy) stop() {
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.done:
	case <-time.After(10 * time.Second):
		_ = e.cmd.Process.Kill()
		<-e.done
	}
}
