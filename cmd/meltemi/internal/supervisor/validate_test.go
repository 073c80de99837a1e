package supervisor

import "testing"

func TestComplaint(t *testing.T) {
	const file = "/t/envoy.yaml"
	for _, test := range []struct{ name, output, want string }{
		{
			"Envoy 1.40.0",
			"[2026-11-24 03:38:22.250][11636][warning][main] [source/server/server.cc:1059] There is no configured limit\n" +
				"[2026-11-24 03:38:22.250][11636][critical][main] [source/server/config_validation/server.cc:76] error initializing configuration '/t/envoy.yaml': missing ]: [\n\n",
			"missing ]: [",
		},
		{
			"said twice",
			"[a][1][error][x] bad\n[a][1][critical][x] bad\n",
			"bad",
		},
		{"no log", "cannot execute\n", "cannot execute"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := complaint(test.output, file); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
