package filters

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/peers"
)

// The filter of examples/quota is a company's own: a module with a dependency that Meltemi
// does not have, built into a library as its README says.

const quotaPrefix = "dynamicmodulescustom.meltemi_quota_"

// quotaLibrary builds the library.
func quotaLibrary(t *testing.T) string {
	t.Helper()
	library := filepath.Join(t.TempDir(), "libmeltemi.so")
	build := exec.Command(meltemi(t), "build", "--with", "example.com/quota=../../examples/quota", "--sdk", "../..", "-o", library)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return library
}

// quotaMesh is a mesh file whose filter lets a tenant make three calls in an hour, with a
// timeout of eight seconds. Some methods have rules of their own.
func quotaMesh(codec, service, server, redis, onError string) string {
	return fmt.Sprintf(`
listeners:
- name: rpc
  address: 127.0.0.1:0
  codec: %[1]s
  filters:
  - name: quota
    config: {redis: "127.0.0.1:%[4]s", tenant: tenant, limit: 3, window: 1h, timeout: 8s, on_error: %[5]s, connections: 2}
  route_config:
    virtual_hosts:
    - name: all
      domains: ["*"]
      routes:
      - match: {path: /%[2]s/search}
        route: {cluster: server}
        typed_per_filter_config: {quota: {counter: search, limit: 100}}
      - match: {path: /%[2]s/poll}
        route: {cluster: server}
        typed_per_filter_config: {quota: {counter: poll, limit: 1, window: 3s}}
      - match: {path: /%[2]s/free}
        route: {cluster: server}
        typed_per_filter_config:
          quota: {"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}
      - match: {prefix: /}
        route: {cluster: server}
clusters:
- {name: server, codec: %[1]s, endpoints: ["%[3]s"]}
`, codec, service, server, redis, onError)
}

// quotaShop is a mesh with quotas, and its Redis.
type quotaShop struct {
	*mesh
	redis *peers.Redis
	text  func(onError string) string // of the mesh file
}

// as calls a method as a tenant. Of Thrift's transports, those with headers can say who.
func (s *quotaShop) as(tenant, method string, more ...string) (out string, failed bool) {
	s.t.Helper()
	args := append([]string{"--set", "tenant=" + tenant, "--timeout", "30s"}, more...)
	if s.codec == "thrift" {
		args = append(args, "--codec-config", `{"transport":"ttheader"}`)
	}
	return s.call(method, args...)
}

// quotaError is what clients of a protocol are told in place of an answer.
var quotaError = map[string]string{"dubbo": "java.lang.RuntimeException", "thrift": "INTERNAL_ERROR", "brpc": "EREJECT"}

// mustFail checks that a call failed with the protocol's error for rate limits, and that
// it says why.
func (s *quotaShop) mustFail(out string, failed bool, why string) {
	s.t.Helper()
	if !failed || !strings.Contains(out, why) || !strings.Contains(out, quotaError[s.codec]) {
		s.t.Errorf("want a failure with %q and %s: %s", why, quotaError[s.codec], out)
	}
}

func (s *quotaShop) mustSucceed(out string, failed bool) {
	s.t.Helper()
	if failed {
		s.t.Errorf("failed: %s", out)
	}
}

// counts checks how calls have been counted so far.
func (s *quotaShop) counts(allowed, refused, errors int) {
	s.t.Helper()
	for result, want := range map[string]int{"allowed": allowed, "refused": refused, "error": errors} {
		s.Eventually(quotaPrefix+"calls_total.result."+result, strconv.Itoa(want), func(n int) bool { return n == want })
	}
}

// eventually waits until something holds.
func (s *quotaShop) eventually(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
	}
	s.t.Errorf("not so: %s", what)
}
