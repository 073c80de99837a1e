package mesh

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// ringHash: calls with the same metadata go to the same server.
func (o *traffic) ringHash(t *testing.T) {
	o.serve()
	o.ApplyFile("examples/istio/ring-hash.yaml")
	o.Eventually(func() string {
		if n := o.client.Counter(o.stat("", `ring_hash_lb\.size`)); n < 1024 {
			return fmt.Sprintf("the ring has %d entries", n)
		}
		return ""
	})
	all := map[string]int{}
	for user := range 24 {
		c := o.client.Calls(8, "dubbo", o.address, "Orders/get", "--set", fmt.Sprintf("user=u%d", user), "--concurrency", "2")
		if c.OK != 8 || len(c.Servers) != 1 {
			t.Errorf("the calls of user %d: %+v, want all by one server", user, c)
		}
		for name := range c.Servers {
			all[name]++
			for _, s := range o.servers {
				want := 0
				if s.Name == name {
					want = 8
				}
				if n := s.Seen("Orders/get", fmt.Sprintf(`"user":"u%d"`, user)); n != want {
					t.Errorf("%s saw %d calls of user %d, want %d", s.Name, n, user, want)
				}
			}
		}
	}
	if len(all) != 3 {
		t.Errorf("users go to %v, want to all servers", slices.Sorted(maps.Keys(all)))
	}
}

// subsets: calls with metadata stay among the servers of a region.
func (o *traffic) subsets(t *testing.T) {
	o.serve()
	o.ApplyFile("examples/istio/subsets.yaml")
	west := func(n int) Calls {
		return o.client.Calls(n, "dubbo", o.address, "Orders/get", "--set", "region=west")
	}
	o.Eventually(func() string {
		if c := west(10); c.OK != 10 || len(c.Servers) != 2 || c.Servers[o.servers[1].Name] > 0 {
			return fmt.Sprintf("%+v, want all in the region", c)
		}
		return ""
	})
	grown := o.client.Counted(func() {
		if c := west(20); c.OK != 20 || c.Servers[o.servers[0].Name] != 10 || c.Servers[o.servers[2].Name] != 10 {
			t.Errorf("%+v, want the servers of the region by turns", c)
		}
	}, o.stat("west", "upstream_rq_total"), o.stat("", "upstream_rq_total"))
	if grown[0] != 20 || grown[1] != 0 {
		t.Errorf("the client's proxy counts %v calls, want 20 for the subset", grown)
	}
	if c := o.client.Calls(60, "dubbo", o.address, "Orders/list"); c.OK != 60 || len(c.Servers) != 3 {
		t.Errorf("%+v, want all servers for other callers", c)
	}
}
