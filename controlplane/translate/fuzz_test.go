package translate_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/meltemi-mesh/meltemi/controlplane/ir"
	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

// FuzzTranslate translates resources that the API server would take, out of few names and
// ports, so that they meet.
func FuzzTranslate(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("each byte is a decision, and when there are none left all are the first"))
	random := rand.NewChaCha8([32]byte{})
	for range 200 { // enough for everything to meet, also without -fuzz
		decisions := make([]byte, 500)
		_, _ = random.Read(decisions) // never fails
		f.Add(decisions)
	}
	f.Fuzz(func(t *testing.T, decisions []byte) {
		m := maker{decisions}
		r, o := m.resources(), options
		if m.yes() {
			o.ClientNamespaces = []string{m.one(namespaces...), m.one(namespaces...)}
		}
		mesh := check(t, r, o, true)
		// The order in which the cache has them is none.
		turned := *r
		turned.CodecBindings, turned.RateLimitPolicies = reversed(r.CodecBindings), reversed(r.RateLimitPolicies)
		turned.Services, turned.Pods, turned.EndpointSlices = reversed(r.Services), reversed(r.Pods), reversed(r.EndpointSlices)
		turned.ServiceEntries, turned.WorkloadEntries, turned.Gateways = reversed(r.ServiceEntries), reversed(r.WorkloadEntries), reversed(r.Gateways)
		if again := check(t, &turned, o, true); !reflect.DeepEqual(mesh, again) {
			t.Errorf("the order matters:\n%+v\n%+v", mesh, again)
		}
	})
}

// FuzzManifests translates whatever can be read of manifests.
func FuzzManifests(f *testing.F) {
	files, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := manifest.NewReader()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Read("fuzz", bytes.NewReader(text)) // what can be read is there all the same
		check(t, r.Resources(), options, false)
	})
}

// check holds what is true of any resources; sane are those that the API server would
// take, with names and ports that it has checked.
func check(t *testing.T, r *translate.Resources, o translate.Options, sane bool) *ir.Mesh {
	t.Helper()
	mesh, verdicts := translate.Translate(r, o)
	again, verdictsAgain := translate.Translate(r, o)
	if !reflect.DeepEqual(mesh, again) || !reflect.DeepEqual(verdicts, verdictsAgain) {
		t.Errorf("twice the same gives\n%+v\nand\n%+v", mesh, again)
	}
	for _, b := range r.CodecBindings {
		if v := verdicts[translate.Key{Kind: translate.KindBinding, Namespace: b.Namespace, Name: b.Name}]; v == nil || sane && len(v.Targets) != len(b.Spec.TargetRefs) {
			t.Errorf("binding %s/%s has the verdict %+v", b.Namespace, b.Name, v)
		}
	}
	for _, p := range r.RateLimitPolicies {
		if v := verdicts[translate.Key{Kind: translate.KindPolicy, Namespace: p.Namespace, Name: p.Name}]; v == nil || sane && len(v.Targets) != len(p.Spec.TargetRefs) {
			t.Errorf("policy %s/%s has the verdict %+v", p.Namespace, p.Name, v)
		}
	}
	filters, err := render.EnvoyFilters(mesh, render.Options{})
	if !sane {
		return mesh // two resources of one name may be in a text
	}
	if err != nil {
		t.Error(err)
	}
	for _, f := range filters {
		if wrong := slices.Concat(validation.IsDNS1123Subdomain(f.Name), validation.IsDNS1123Label(f.Namespace)); len(wrong) > 0 {
			t.Errorf("EnvoyFilter %q in %q: %q", f.Name, f.Namespace, wrong)
		}
		if s := f.Spec.WorkloadSelector; s != nil && len(s.Labels) == 0 {
			t.Errorf("EnvoyFilter %s/%s is for all workloads of its namespace", f.Namespace, f.Name)
		}
	}
	checkWorkloads(t, mesh)
	for _, e := range edgesOf(mesh) {
		checkLimits(t, e)
		for _, owner := range e.Owners {
			v := verdicts[translate.Key{Kind: owner.Kind, Namespace: owner.Namespace, Name: owner.Name}]
			if v == nil || owner.Kind == translate.KindBinding && !v.Serves {
				t.Errorf("%s/%s follows from %v, which serves nothing: %+v", e.Namespace, e.Name, owner, v)
			}
		}
		if len(e.Owners) == 0 {
			t.Errorf("%s/%s follows from nothing", e.Namespace, e.Name)
		}
	}
	return mesh
}

// checkLimits holds that no limit is there twice: Envoy refuses such a listener.
func checkLimits(t *testing.T, e *ir.Edge) {
	t.Helper()
	seen := map[string]bool{}
	once := func(name string) {
		if seen[name] {
			t.Errorf("%s/%s has the limit %s twice", e.Namespace, e.Name, name)
		}
		seen[name] = true
	}
	for i := range e.Local {
		once(e.Local[i].Name)
	}
	for i := range e.Global {
		once(e.Global[i].Name)
		for j := range e.Global[i].Limits {
			once(e.Global[i].Limits[j].Name)
		}
	}
}

// checkWorkloads holds that no proxy of servers is told twice how to read a port.
func checkWorkloads(t *testing.T, m *ir.Mesh) {
	t.Helper()
	for i := range m.Inbound {
		for j := range i {
			a, b := &m.Inbound[i], &m.Inbound[j]
			if a.Namespace == b.Namespace && a.Port == b.Port && (contains(a.Selector, b.Selector) || contains(b.Selector, a.Selector)) {
				t.Errorf("%s and %s of %s are for the same workloads", a.Name, b.Name, a.Namespace)
			}
		}
	}
}

func contains(all, part map[string]string) bool {
	for k, v := range part {
		if all[k] != v {
			return false
		}
	}
	return true
}

func edgesOf(m *ir.Mesh) []*ir.Edge {
	var all []*ir.Edge
	for i := range m.Outbound {
		all = append(all, &m.Outbound[i].Edge)
	}
	for i := range m.Inbound {
		all = append(all, &m.Inbound[i].Edge)
	}
	for i := range m.Gateways {
		all = append(all, &m.Gateways[i].Edge)
	}
	return all
}

func reversed[T any](all []T) []T {
	all = slices.Clone(all)
	slices.Reverse(all)
	return all
}

// distinct leaves out what has the name of another one.
func distinct[T interface{ GetName() string }](all []T, namespace func(T) string) []T {
	byName := map[string]T{}
	for _, o := range all {
		byName[namespace(o)+"/"+o.GetName()] = o
	}
	var left []T
	for _, key := range slices.Sorted(maps.Keys(byName)) {
		left = append(left, byName[key])
	}
	return left
}
