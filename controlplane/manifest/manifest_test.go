package manifest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
)

// Somebody who reads what a cluster has, and then what is to change, means the change.
func TestTheLastOneCounts(t *testing.T) {
	r, err := manifest.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: orders, namespace: shop}\nspec: {ports: [{name: NAME, port: 80}]}\n"
	read := func(file, text string) {
		if err := r.Read(file, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	read("cluster.yaml", strings.ReplaceAll(service, "NAME", "tcp")+"---\napiVersion: metaprotocol.aeraki.io/v1alpha1\nkind: MetaRouter\nmetadata: {name: r}\n")
	read("change.yaml", strings.ReplaceAll(service, "NAME", "http2"))
	if all := r.Resources(); len(all.Services) != 1 || all.Services[0].Spec.Ports[0].Name != "http2" {
		t.Errorf("the services are %v", all.Services)
	}
	if want := []string{"cluster.yaml, document 1: Service shop/orders is in change.yaml, document 1 too, which counts"}; !slices.Equal(r.Replaced, want) {
		t.Errorf("replaced: %q, want %q", r.Replaced, want)
	}
	if want := []string{"cluster.yaml, document 2: metaprotocol.aeraki.io/v1alpha1, Kind=MetaRouter"}; !slices.Equal(r.Unknown, want) {
		t.Errorf("unknown: %q, want %q", r.Unknown, want)
	}
}
