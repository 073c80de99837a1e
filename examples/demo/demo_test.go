// Package demo is the demo of the README; its test runs it.
package demo

import (
	"context"
	"os/exec"
	"strings"
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
