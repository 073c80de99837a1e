package engine

import (
	"runtime"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// maxIdle is the most that an idle connection may take.
const maxIdle = 4 << 10

// TestIdleConnectionsAreSmall makes many connections with one call each, all answered.
func TestIdleConnectionsAreSmall(t *testing.T) {
	if raceEnabled {
		return // the race detector's own memory would be measured
	}
	const n = 2000
	c := config(t, `{"name":"toy"}`)
	m := newManager(t)
	_ = m.writer.WriteSettings()
	settings := m.written()
	m.respond(1, testcodec.Append(nil, testcodec.Message{Kind: 3, ID: 1}), good()...)
	response := m.written()
	request := testcodec.Append(nil, callOf(1, "m", [2]string{"tenant", "blue"}))
	edges := make([]*Downstream, n)
	var scratch Scratch
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := heap()
	for i := range edges {
		d := NewDownstream(c, Env{Scratch: &scratch})
		d.Read(epoch, [][]byte{request})
		d.Write(epoch, [][]byte{settings})
		d.Wake(epoch)
		d.Write(epoch, [][]byte{response})
		d.Read(epoch, [][]byte{request[:1]}) // what stands at the end of a read
		edges[i] = d
	}
	if each := (heap() - before) / n; each > maxIdle {
		t.Errorf("an idle connection takes %d bytes, more than %d", each, maxIdle)
	} else {
		t.Logf("an idle connection takes %d bytes", each)
	}
	runtime.KeepAlive(edges)
}
