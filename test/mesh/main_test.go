package mesh

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	os.Exit(Main(m, func(tb testing.TB) {
		for _, p := range realPeers {
			p.peer.Build(tb)
		}
	}))
}
