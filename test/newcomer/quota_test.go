package newcomer

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// TestExampleOutside takes examples/quota out of the repository, and does what its README
// says. What the filter does is tested by package filters.
func TestExampleOutside(t *testing.T) {
	n := begin(t, "quota", "1.40.0")
	if err := os.CopyFS(n.dir, os.DirFS(filepath.Join(root(t), "examples", "quota"))); err != nil {
		t.Fatal(err)
	}
	n.run(n.dir, "go", "mod", "edit", "-replace", path+"="+root(t))
	n.run(n.dir, "make", "test")
	variables := []string{"MELTEMI=meltemi", "SDK=" + root(t)}
	if built := n.run(n.dir, "make", append(variables, "library")...); !regexp.MustCompile(`; filters [^;]*\bquota\b`).MatchString(built) {
		t.Errorf("the build says %s", built)
	}
	n.replace("window: 1m", "window: 1 m", "mesh.yaml")
	n.fails(`filter quota: window: "1 m" is no time, such as 100ms or 1m`, "meltemi", "validate", "mesh.yaml", "--library", "bin/libmeltemi.so")
	n.replace("window: 1 m", "window: 1h", "mesh.yaml") // so that no new one begins meanwhile
	n.replace("limit: 100", "limit: 0", "mesh.yaml")
	n.fails(`limit: 0 is less than 1`, "meltemi", "validate", "mesh.yaml", "--library", "bin/libmeltemi.so")
	n.replace("limit: 0", "limit: 100", "mesh.yaml")

	redis, server := peers.StartRedis(t), n.start("meltemi", "serve", "dubbo", "127.0.0.1:0")
	n.replace("redis: 127.0.0.1:6379", "redis: 127.0.0.1:"+redis.Port, "mesh.yaml")
	n.replace("127.0.0.1:7000", "127.0.0.1:0", "mesh.yaml")
	n.replace("127.0.0.1:7001", server, "mesh.yaml")
	ready := n.start("make", append(variables, "run")...)
	address, _, _ := strings.Cut(strings.TrimPrefix(ready, "orders="), " ")
	call := func(method, tenant, times string) []string {
		return []string{"call", "dubbo", address, method, "--set", "tenant=" + tenant, "-n", times}
	}
	n.fails("4 calls: 3 ok, 1 failed", "meltemi", call("shop.Orders.get", "blue", "4")...)
	n.run(n.dir, "meltemi", call("shop.Orders.get", "green", "1")...)
	n.run(n.dir, "meltemi", call("shop.Search.find", "blue", "4")...)
	if got := redis.Do("GET", "quota:all:blue"); got != "3" {
		t.Errorf("Redis has counted %s calls", got)
	}
	redis.Kill()
	n.run(n.dir, "meltemi", call("shop.Orders.get", "blue", "4")...)
}
