package deploy

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/test/kube"
)

// TestRightsAreDocumented compares the tables of docs/security.md with rbac.yaml, right by
// right.
func TestRightsAreDocumented(t *testing.T) {
	t.Parallel()
	_, section, found := strings.Cut(read(t, "docs/security.md"), "\n## What the controller may do\n")
	section, _, _ = strings.Cut(section, "\n## ")
	mesh, own, both := strings.Cut(section, "\nIn its own namespace:\n")
	if !found || !both {
		t.Fatal("docs/security.md has no section with two tables")
	}
	for kind, table := range map[string]string{"ClusterRole": mesh, "Role": own} {
		if said, has := rows(t, table), rights(rules(t, kind)); !slices.Equal(said, has) {
			t.Errorf("%s: the documentation has\n%s\nthe manifest\n%s", kind, strings.Join(said, "\n"), strings.Join(has, "\n"))
		}
	}
}

// rules are those of the only ClusterRole or Role in rbac.yaml.
func rules(t *testing.T, kind string) []rbacv1.PolicyRule {
	t.Helper()
	var found []rbacv1.ClusterRole // a Role has the same rules
	for doc := range strings.SplitSeq(read(t, "deploy/manifests/rbac.yaml"), "\n---") {
		var role rbacv1.ClusterRole
		if err := yaml.Unmarshal([]byte(doc), &role); err != nil {
			t.Fatal(err)
		}
		if role.Kind == kind {
			found = append(found, role)
		}
	}
	if len(found) != 1 {
		t.Fatalf("rbac.yaml has %d of kind %s", len(found), kind)
	}
	return found[0].Rules
}

// event is what matters of an audit event of the API server.
type event struct {
	User struct {
		Name string `json:"username"`
	} `json:"user"`
	Verb      string `json:"verb"`
	ObjectRef *struct {
		Group       string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	Response struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// repeatsAnEvent is the one right that takes a race to be used: the same event about the same
// version of an object, which is told again if the cache is late.
const repeatsAnEvent = "events.k8s.io events * patch"

// needsItsRights compares what the controller has asked of the API server so far with what
// it may: it needs all of it.
func (c *cluster) needsItsRights() {
	c.t.Helper()
	const user = "system:serviceaccount:" + namespace + ":meltemi-controller"
	text, err := os.ReadFile(c.audit)
	if err != nil {
		c.t.Fatal(err)
	}
	inMesh, inOwn := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			continue // the server has not written all of it yet
		}
		if e.User.Name != user || e.ObjectRef == nil {
			continue
		}
		resource := e.ObjectRef.Resource
		if e.ObjectRef.Subresource != "" {
			resource += "/" + e.ObjectRef.Subresource
		}
		used := inMesh
		if e.ObjectRef.Namespace == namespace {
			used = inOwn
		}
		used[right(e.ObjectRef.Group, resource, "*", e.Verb)] = true
		used[right(e.ObjectRef.Group, resource, e.ObjectRef.Name, e.Verb)] = true
		if e.Verb == "patch" && e.Response.Code == http.StatusCreated { // who applies what is not there needs both rights
			used[right(e.ObjectRef.Group, resource, "*", "create")] = true
		}
	}
	for kind, used := range map[string]map[string]bool{"ClusterRole": inMesh, "Role": inOwn} {
		for _, r := range rights(rules(c.t, kind)) {
			if !used[r] && r != repeatsAnEvent {
				c.t.Errorf("%s: the controller never used its right %s", kind, r)
			}
		}
	}
}

func right(group, resource, name, verb string) string {
	return strings.Join([]string{group, resource, name, verb}, " ")
}

// rights are what rules allow, one a line: group, resource, its name, verb.
func rights(rules []rbacv1.PolicyRule) []string {
	var all []string
	for i := range rules {
		r := &rules[i]
		names := r.ResourceNames
		if len(names) == 0 {
			names = []string{"*"}
		}
		for _, group := range r.APIGroups {
			for _, resource := range r.Resources {
				for _, name := range names {
					for _, verb := range r.Verbs {
						all = append(all, right(group, resource, name, verb))
					}
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// rows are what a table says, likewise. A name stands behind its resource.
func rows(t *testing.T, table string) []string {
	t.Helper()
	words := regexp.MustCompile("`([^`]+)`")
	var rules []rbacv1.PolicyRule
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || !strings.Contains(line, "`") {
			continue
		}
		var r rbacv1.PolicyRule
		if strings.Contains(cells[0], "core") {
			r.APIGroups = append(r.APIGroups, "")
		}
		for i, list := range []*[]string{&r.APIGroups, &r.Resources, &r.Verbs} {
			for _, word := range words.FindAllStringSubmatch(cells[i], -1) {
				*list = append(*list, word[1])
			}
		}
		if strings.Contains(cells[1], "` `") {
			r.Resources, r.ResourceNames = r.Resources[:1], r.Resources[1:]
		}
		if strings.TrimSpace(strings.Trim(cells[3], " |\n")) == "" {
			t.Errorf("no word on what is needed: %s", line)
		}
		rules = append(rules, r)
	}
	return rights(rules)
}

// tenants applies the policy of docs/security.md, and tries bindings in namespaces with and
// without the label.
func (c *cluster) tenants() {
	c.t.Helper()
	_, text, _ := strings.Cut(read(c.t, "docs/security.md"), "\n```yaml\n# tenants.yaml\n")
	text, _, found := strings.Cut(text, "\n```\n")
	if !found {
		c.t.Fatal("docs/security.md has no example tenants.yaml")
	}
	before := c.binds("web", "hosts: {com.bank.Pay: mine}")
	before.SetName("before")
	if err := c.Client.Create(c.t.Context(), before); err != nil {
		c.t.Fatal(err)
	}
	c.Apply(text)
	c.Apply("{apiVersion: v1, kind: Namespace, metadata: {name: trusted, labels: {meltemi.dev/trusted: 'yes'}}}")
	const hosts, beside, record, named = "hosts: {com.bank.Pay: mine}", "filters: [{name: stats, side: client}]", "filters: [{name: record}]", "filters: [{name: r, filter: record}]"
	try := func(namespace, more string) error {
		return c.Client.Create(c.t.Context(), c.binds(namespace, more), client.DryRunAll)
	}
	kube.Eventually(c.t, kube.Patience, func() string { // it takes the server a moment
		if err := try("web", hosts); err == nil {
			return "hosts are taken"
		} else if !strings.Contains(err.Error(), "hosts are for namespaces with the label") {
			return err.Error()
		}
		return ""
	})
	for _, more := range []string{beside, record, named} {
		if err := try("web", more); err == nil || !strings.Contains(err.Error(), "are for namespaces with the label meltemi.dev/trusted") {
			c.t.Errorf("%s in a namespace without the label: %v", more, err)
		}
	}
	for _, more := range []string{hosts, beside, record, named} {
		if err := try("trusted", more); err != nil {
			c.t.Errorf("%s in a namespace with the label: %v", more, err)
		}
	}
	for _, more := range []string{"", "filters: [{name: stats}]"} {
		if err := try("web", more); err != nil {
			c.t.Errorf("%q in a namespace without the label: %v", more, err)
		}
	}
	// What was there before the policy is held and let go by the controller all the same.
	finalizer := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"finalizers": ["meltemi.dev/envoyfilters"]}}`))
	if err := c.Client.Patch(c.t.Context(), before.DeepCopy(), finalizer, client.DryRunAll); err == nil || !strings.Contains(err.Error(), "hosts are for namespaces with the label") {
		c.t.Errorf("somebody else's finalizer: %v", err)
	}
	controller := rest.CopyConfig(c.Config)
	controller.Impersonate.UserName = "system:serviceaccount:meltemi-system:meltemi-controller"
	controller.Impersonate.Groups = []string{"system:serviceaccounts", "system:authenticated"}
	as, err := client.New(controller, client.Options{Scheme: kube.Scheme(c.t)})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := as.Patch(c.t.Context(), before.DeepCopy(), finalizer, client.DryRunAll); err != nil {
		c.t.Errorf("the controller's finalizer: %v", err)
	}
	if err := c.Client.Delete(c.t.Context(), before); err != nil {
		c.t.Fatal(err)
	}
}

// binds is a CodecBinding with more in its spec.
func (c *cluster) binds(namespace, more string) *unstructured.Unstructured {
	c.t.Helper()
	return c.Documents(`
apiVersion: meltemi.dev/v1alpha1
kind: CodecBinding
metadata: {name: x, namespace: ` + namespace + `}
spec:
  targetRefs: [{kind: Service, name: x, port: 1}]
  codec: {name: dubbo}
  ` + more)[0]
}
