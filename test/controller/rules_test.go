package controller

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/test/kube"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// Parts of specs that nothing is wrong with.
const (
	refs  = `targetRefs: [{kind: Service, name: orders, port: http2-dubbo}]`
	codec = `codec: {name: dubbo}`
	local = `rules: [{name: all, local: {requests: 1, per: 1s}}]`
	asked = `service: {host: limits, port: 8081, domain: shop}`
)

// rules are what the server says of specs: nothing, or a part of why it refuses them.
var rules = []struct{ kind, spec, refused string }{
	{"CodecBinding", refs + "\n" + codec, ""},
	{"CodecBinding", refs + "\ncodec: {auto: [{name: dubbo, config: {a: 1}}, {name: thrift}]}", ""},
	{"CodecBinding", refs + "\ncodec: {name: thrift, config: {anything: {goes: [1, null]}}}", ""},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, deadlineMargin: 5ms, heartbeatInterval: 1m30s, sniffTimeout: 1ms}", ""},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, sniffTimeout: 0s}", "sniffTimeout is longer than 0s"},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, oneway: [ping]}", "spec.codec.oneway[0] in body should match"},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, oneway: [com.shop.Orders/ping], tracingHeaders: [X-Trace], expose: ['tenant*']}", ""},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, tracingHeaders: ['a b']}", "spec.codec.tracingHeaders[0] in body should match"},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, expose: ['']}", "spec.codec.expose[0] in body should be at least 1 chars long"},
	{"CodecBinding", refs + "\n" + codec + "\nhosts: {com.shop.Orders: ''}", "spec.hosts.com.shop.Orders in body should match"},
	{"CodecBinding", refs + "\n" + codec + "\nhosts: {com.shop.Orders: orders, com.shop.Stock: stock.shop.svc.cluster.local}", ""},
	{"CodecBinding", refs + "\ncodec: {}", "exactly one of name and auto is needed"},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, auto: [{name: dubbo}, {name: thrift}]}", "exactly one of name and auto is needed"},
	{"CodecBinding", refs + "\ncodec: {config: {}, auto: [{name: dubbo}, {name: thrift}]}", "with auto, each codec has its own config"},
	{"CodecBinding", refs + "\ncodec: {auto: [{name: dubbo}]}", "should have at least 2 items"},
	{"CodecBinding", refs + "\ncodec: {auto: [{name: dubbo}, {name: dubbo}]}", "Duplicate value"},
	{"CodecBinding", refs + "\ncodec: {name: Dubbo}", "spec.codec.name in body should match"},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, config: 7}", "must be of type object"},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, opaque: hide}", `supported values: "refuse", "pass"`},
	// What no Go program could read would blind the controller to all bindings.
	{"CodecBinding", refs + "\ncodec: {name: dubbo, deadlineMargin: soon}", "spec.codec.deadlineMargin in body should match"},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, heartbeatInterval: 1d}", "spec.codec.heartbeatInterval in body should match"},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, sniffTimeout: -5s}", "spec.codec.sniffTimeout in body should match"},
	{"CodecBinding", refs + "\ncodec: {name: dubbo, maxMetadata: 3000000000}", "should be less than or equal to 4096"},
	{"CodecBinding", codec, "spec.targetRefs: Required value"},
	{"CodecBinding", "targetRefs: []\n" + codec, "should have at least 1 items"},
	{"CodecBinding", refs, "spec.codec: Required value"},
	{"CodecBinding", refs + "\n" + codec + "\nupstream: pigeon", `supported values: "auto", "mesh", "direct"`},
	{"CodecBinding", refs + "\n" + codec + "\nfilters: [{name: stats}, {name: stats}]", "Duplicate value"},
	{"CodecBinding", refs + "\n" + codec + "\nfilters: [{name: stats, config: {}}, {name: too, filter: stats, side: client}]", ""},

	{"CodecBinding", "targetRefs: [{kind: Service, name: orders, port: 20880, group: ''}]\n" + codec, ""},
	{"CodecBinding", "targetRefs: [{kind: Gateway, name: edge, port: 20880, group: networking.istio.io}]\n" + codec, ""},
	{"CodecBinding", "targetRefs: [{kind: Service, name: orders, port: 20880, group: networking.istio.io}]\n" + codec, "group is empty for a Service"},
	{"CodecBinding", "targetRefs: [{kind: ServiceEntry, name: orders, port: 20880, group: ''}]\n" + codec, "networking.istio.io for a ServiceEntry or Gateway"},
	{"CodecBinding", "targetRefs: [{kind: Pod, name: orders, port: 20880}]\n" + codec, `Unsupported value: "Pod"`},
	{"CodecBinding", "targetRefs: [{kind: Service, name: orders}]\n" + codec, "port: Required value"},
	{"CodecBinding", "targetRefs: [{kind: Service, name: orders, port: 0}]\n" + codec, "port is a number from 1 to 65535, or a name"},
	{"CodecBinding", "targetRefs: [{kind: Service, name: orders, port: 3000000000}]\n" + codec, "port is a number from 1 to 65535, or a name"},
	{"CodecBinding", "targetRefs: [{kind: Service, name: orders, port: ''}]\n" + codec, "port is a number from 1 to 65535, or a name"},

	{"RateLimitPolicy", refs + "\n" + local, ""},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, global: {descriptor: [{key: k, metadata: tenant}]}}]\n" + asked, ""},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, global: {descriptor: [{key: remote_address, call: source}]}}]", "service is needed for rules with global limits, and for those only"},
	{"RateLimitPolicy", refs + "\n" + local + "\n" + asked, "service is needed for rules with global limits, and for those only"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all}]", "exactly one of local and global is needed"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, local: {requests: 1, per: 1s}, global: {descriptor: [{key: k, value: v}]}}]\n" + asked, "exactly one of local and global is needed"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, match: {method: {exact: pay}}, global: {descriptor: [{key: k, metadata: tenant}]}}]\n" + asked, "a global limit with a match needs an entry with a fixed value"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, match: {method: {exact: pay}}, global: {descriptor: [{key: k, metadata: tenant}, {key: f, value: v}]}}]\n" + asked, ""},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, local: {requests: 1, per: 50ms, burst: 7}}]", ""},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, local: {requests: 1, per: 49ms}}]", "per is at least 50ms"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, local: {requests: 1, per: often}}]", "local.per in body should match"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, local: {requests: 0, per: 1s}}]", "should be greater than or equal to 1"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, local: {requests: 3000000000, per: 1s}}]", "int32"},
	{"RateLimitPolicy", refs + "\nrules: [{name: a, local: {requests: 1, per: 1s}}, {name: a, local: {requests: 2, per: 1s}}]", "Duplicate value"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, match: {service: {}}, local: {requests: 1, per: 1s}}]", "exactly one of exact, prefix and regex is needed"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, match: {method: {exact: a, regex: b}}, local: {requests: 1, per: 1s}}]", "exactly one of exact, prefix and regex is needed"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, match: {service: {prefix: com.}, method: {regex: 'get.*'}}, local: {requests: 1, per: 1s}}]", ""},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, match: {metadata: [{key: tenant}]}, local: {requests: 1, per: 1s}}]", "exactly one of exact, prefix, regex and present is needed"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, match: {metadata: [{key: tenant, present: false}, {key: zone, exact: ''}]}, local: {requests: 1, per: 1s}}]", ""},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, global: {descriptor: [{key: k}]}}]\n" + asked, "exactly one of value, metadata and call is needed"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, global: {descriptor: [{key: k, value: v, call: path}]}}]\n" + asked, "exactly one of value, metadata and call is needed"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, global: {descriptor: [{key: from, call: source}]}}]\n" + asked, "the key of call: source is remote_address"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, global: {descriptor: [{key: remote_address, call: source}, {key: k, call: path}]}}]\n" + asked, ""},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, global: {descriptor: [{key: k, value: v}]}}]\nservice: {host: limits, port: 8081, domain: shop, timeout: 1.5}", "spec.service.timeout"},
	{"RateLimitPolicy", refs + "\nrules: [{name: all, global: {descriptor: [{key: k, value: v}]}}]\nservice: {host: limits, port: 70000, domain: shop}", "should be less than or equal to 65535"},
}

// TestDefinitions has a real server take our definitions, and specs by them.
func TestDefinitions(t *testing.T) { //nolint:tparallel // its parts share a server, and take seconds
	t.Parallel()
	c := kube.Start(t)
	c.Define()
	t.Run("rules", func(t *testing.T) { testRules(t, c) })
	t.Run("defaults", func(t *testing.T) { testDefaults(t, c) })
}

// testRules sees to it that no rule of the definitions is left out.
func testRules(t *testing.T, c *kube.Cluster) {
	t.Helper()
	untried := messages(t)
	for _, rule := range rules {
		u := &unstructured.Unstructured{}
		text := "apiVersion: meltemi.dev/v1alpha1\nkind: " + rule.kind + "\nmetadata: {name: x, namespace: default}\nspec:\n  " +
			strings.ReplaceAll(rule.spec, "\n", "\n  ")
		if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		err := c.Client.Create(t.Context(), u, client.DryRunAll)
		switch {
		case rule.refused == "" && err != nil:
			t.Errorf("%s is refused: %v", text, err)
		case rule.refused != "" && (err == nil || !strings.Contains(err.Error(), rule.refused)):
			t.Errorf("%s: %v, want %q", text, err, rule.refused)
		}
		if err != nil {
			untried = slices.DeleteFunc(untried, func(message string) bool { return strings.Contains(err.Error(), message) })
		}
	}
	if len(untried) > 0 {
		t.Errorf("no case breaks these rules: %q", untried)
	}
}

// messages are those of the rules in our definitions.
func messages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(machine.Root(t), "controlplane", "api", "crds", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var crd any
		if err := yaml.Unmarshal(text, &crd); err != nil {
			t.Fatal(err)
		}
		all = collect(all, crd)
	}
	if len(all) == 0 {
		t.Fatal("our definitions have no rules")
	}
	return all
}

// collect adds the messages of the rules within a value.
func collect(all []string, value any) []string {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			all = collect(all, v)
		}
	case map[string]any:
		validations, _ := value["x-kubernetes-validations"].([]any)
		for _, v := range validations {
			message, _ := v.(map[string]any)["message"].(string)
			all = append(all, message)
		}
		for _, v := range value {
			all = collect(all, v)
		}
	}
	return all
}

func testDefaults(t *testing.T, c *kube.Cluster) {
	t.Helper()
	made := c.Apply(`
apiVersion: meltemi.dev/v1alpha1
kind: CodecBinding
metadata: {name: orders, namespace: default}
spec: {` + "\n  " + refs + ",\n  " + codec + `, filters: [{name: stats}]}
---
apiVersion: meltemi.dev/v1alpha1
kind: RateLimitPolicy
metadata: {name: orders, namespace: default}
spec: {` + "\n  " + refs + ",\n  " + `rules: [{name: all, global: {descriptor: [{key: k, value: v}]}}], ` + asked + "}")
	for i, want := range []string{
		`codec: {name: dubbo}, filters: [{name: stats, side: server}], ` + refs + `, upstream: auto`,
		`rules: [{name: all, global: {descriptor: [{key: k, value: v}]}}], service: {host: limits, port: 8081, domain: shop, onFailure: allow}, side: server, ` + refs,
	} {
		var spec any
		if err := yaml.Unmarshal([]byte("{"+want+"}"), &spec); err != nil {
			t.Fatal(err)
		}
		wanted, _ := yaml.Marshal(spec)
		got, _ := yaml.Marshal(made[i].Object["spec"])
		if string(wanted) != string(got) {
			t.Errorf("%s has\n%s, want\n%s", made[i].GetKind(), got, wanted)
		}
	}
}
