package controller

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// TestFailures takes away what the controller needs, and gives it back.
func TestFailures(t *testing.T) { //nolint:tparallel // its parts follow one another
	t.Parallel()
	m := startMesh(t)
	r := m.start("--leader-elect=false")
	m.Apply(service("orders", 20880))
	m.settles()
	m.becomes("orders", "Programmed", "Programmed")

	t.Run("rights", func(t *testing.T) {
		edit(m, "/meltemi-controller", &rbacv1.ClusterRole{}, func(role *rbacv1.ClusterRole) {
			for i := range role.Rules {
				if slices.Contains(role.Rules[i].Resources, "envoyfilters") {
					role.Rules[i].Verbs = []string{"get", "list", "watch"}
				}
			}
		})
		m.Apply(service("stock", 20881))
		is := m.becomes("stock", "Programmed", "WriteFailed")
		if !strings.Contains(is.Message, "forbidden") {
			t.Errorf("the message is %q", is.Message)
		}
		m.becomes("stock", "Accepted", "Accepted")
		m.becomes("orders", "Programmed", "Programmed")
		if n := r.metric("meltemi_controller_reconcile_failures_total", ""); n == 0 {
			t.Error("the controller counts no failure")
		}
		m.Apply(m.rights())
		m.settles()
		m.becomes("stock", "Programmed", "Programmed")
	})
	t.Run("no server", func(t *testing.T) {
		m.StopServer()
		m.StartServer()
		m.Apply(service("late", 20882))
		m.settles()
		m.becomes("late", "Programmed", "Programmed")
		if r.Ended() {
			t.Error("the controller has ended")
		}
	})
}
