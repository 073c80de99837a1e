// Package demo is the demo of the README; its tests run it.
package demo

import (
	"bufio"
	"context"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDemo runs the demo, which checks each of its outputs itself. `make test-e2e` has
// built what it needs.
func TestDemo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "./demo.sh").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Everything is stopped.") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestStay does what `make run` proposes, and then what ends it.
func TestStay(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	demo := exec.CommandContext(ctx, "./demo.sh", "--stay")
	demo.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the whole group
	demo.Cancel = func() error { return syscall.Kill(-demo.Process.Pid, syscall.SIGKILL) }
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	proposed := regexp.MustCompile(`^  (\S*/meltemi (call|config) .*)$`)
	var all, commands []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		all = append(all, lines.Text())
		if m := proposed.FindStringSubmatch(lines.Text()); m != nil {
			commands = append(commands, m[1])
		}
		if lines.Text() != "Ctrl-C stops everything." {
			continue
		}
		for _, command := range commands {
			if printed, err := exec.CommandContext(ctx, "bash", "-c", command).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", command, err, printed)
			}
		}
		if err := syscall.Kill(-demo.Process.Pid, syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}
	if err := demo.Wait(); err != nil || all[len(all)-1] != "Everything is stopped." || len(commands) < 3 {
		t.Errorf("%v, %d commands\n%s", err, len(commands), strings.Join(all, "\n"))
	}
}
