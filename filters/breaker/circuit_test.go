package breaker

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// FuzzCircuit compares a circuit with the model, whatever calls begin and end when.
func FuzzCircuit(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		steps := make([]byte, 2000)
		for i := range steps {
			steps[i] = byte(random.Uint32())
		}
		f.Add(byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32()), steps)
	}
	f.Fuzz(func(t *testing.T, limits, share, probes byte, steps []byte) {
		s := defaults()
		s.Window, s.OpenTime = filter.Duration(time.Second), filter.Duration(280*time.Millisecond)
		s.MinCalls, s.MaxConcurrent = 1+int(limits%8), int(limits/8%16)
		s.FailurePercent = int(share) % 101
		s.Probes, s.Successes = 1+int(probes%4), 1+int(probes/4%4)
		m := newModel(t, s)
		for i := 0; i+1 < len(steps); i += 2 {
			m.step(steps[i], steps[i+1])
		}
	})
}
