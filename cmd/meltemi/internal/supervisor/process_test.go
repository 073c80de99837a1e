package supervisor

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

func shell(t *testing.T, script string) *process {
	t.Helper()
	p, err := startProcess("/bin/sh", []string{"-c", script}, nil, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		<-p.exited
	})
	return p
}

func TestProcessTellsHowItEnded(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0":        "",
		"exit 3":        "Envoy ended with exit code 3",
		"kill -SEGV $$": "Envoy was ended by signal 11",
	} {
		p := shell(t, script)
		<-p.exited
		got := ""
		if p.err != nil {
			got = p.err.Error()
		}
		if !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
}

func TestProcessThatCannotStart(t *testing.T) {
	if _, err := startProcess("/nonexistent/envoy", nil, nil, nil); err == nil {
		t.Error("no error")
	}
}

func TestStopReturnsWhenTheProcessHasEnded(t *testing.T) {
	p := shell(t, "exec sleep 60")
	p.stop(context.Background())
	select {
	case <-p.exited:
	default:
		t.Error("stop returned before the end")
	}
}

func TestStopEndsWithItsContext(t *testing.T) {
	p := shell(t, "trap '' TERM; while :; do sleep 1; done")
	time.Sleep(100 * time.Millisecond) // until the trap is set
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	p.stop(ctx)
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("stop took %s", took)
	}
}
