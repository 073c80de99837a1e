package envoytest

import (
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
)

// inModule is the probe in the dynamic module.
var inModule = Probe{
	Filter:    func(config string) map[string]any { return Filter(probe.Name, config) },
	Namespace: "dynamicmodulescustom",
}

// TestFilterConformance runs the checks of hosts in Envoy's dynamic module.
func TestFilterConformance(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		hosttest.Run(t, func(t *testing.T, s hosttest.Setup) hosttest.Host {
			t.Helper()
			return inModule.Start(t, version, s)
		})
	})
}

// probeStat is a metric of the probe in the dynamic module.
func probeStat(name string, labels ...string) string { return inModule.Stat(name, labels...) }
