package kube

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/controlplane/controller"
	"github.com/meltemi-mesh/meltemi/test/machine"
)

// fieldOwner is whose fields are that tests apply.
const fieldOwner = "test"

// Scheme knows the kinds of Kubernetes, those that our controller handles, and
// CustomResourceDefinitions.
func Scheme(tb testing.TB) *runtime.Scheme {
	tb.Helper()
	scheme, err := controller.NewScheme()
	if err != nil {
		tb.Fatal(err)
	}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			tb.Fatal(err)
		}
	}
	return scheme
}

// ready returns "" if the API server is.
func (c *Cluster) ready() string {
	transport, err := rest.TransportFor(c.Config)
	if err != nil {
		return err.Error()
	}
	request, err := http.NewRequestWithContext(c.tb.Context(), http.MethodGet, c.Config.Host+"/readyz?verbose", http.NoBody)
	if err != nil {
		return err.Error()
	}
	answer, err := (&http.Client{Transport: transport, Timeout: HTTP.Timeout}).Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return string(text)
	}
	return ""
}

// Define adds Istio's and our CustomResourceDefinitions, and waits until the server
// serves them.
func (c *Cluster) Define() {
	c.tb.Helper()
	c.DefineIstio()
	ours, err := filepath.Glob(filepath.Join(machine.Root(c.tb), "controlplane", "api", "crds", "*.yaml"))
	if err != nil || len(ours) == 0 {
		c.tb.Fatalf("our CustomResourceDefinitions are not there: %v", err)
	}
	for _, file := range ours {
		c.Serves(c.Apply(c.read(file))...)
	}
}

// DefineIstio adds Istio's CustomResourceDefinitions alone.
func (c *Cluster) DefineIstio() {
	c.tb.Helper()
	c.Serves(c.Apply(c.read(Part(c.tb, "istio-crds.yaml")))...)
}

// Serves waits until the server serves what CustomResourceDefinitions define.
func (c *Cluster) Serves(definitions ...*unstructured.Unstructured) {
	c.tb.Helper()
	Eventually(c.tb, Patience, func() string {
		for _, u := range definitions {
			var crd apiextensionsv1.CustomResourceDefinition
			if err := c.Client.Get(c.tb.Context(), client.ObjectKeyFromObject(u), &crd); err != nil {
				return err.Error()
			}
			established := false
			for i := range crd.Status.Conditions {
				if condition := &crd.Status.Conditions[i]; condition.Type == apiextensionsv1.Established {
					established = condition.Status == apiextensionsv1.ConditionTrue
				}
			}
			if !established {
				return fmt.Sprintf("%s is not established: %v", crd.Name, crd.Status.Conditions)
			}
		}
		return ""
	})
}

func (c *Cluster) read(file string) string {
	c.tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		c.tb.Fatal(err)
	}
	return string(text)
}

// Apply applies the documents of a manifest, as `kubectl apply --server-side` does, with
// their status if they have one. It returns what the server made of them.
func (c *Cluster) Apply(manifest string) []*unstructured.Unstructured {
	c.tb.Helper()
	all := c.Documents(manifest)
	for _, u := range all {
		if err := c.TryApply(u); err != nil {
			c.tb.Fatalf("%s %s/%s: %v", u.GetKind(), u.GetNamespace(), u.GetName(), err)
		}
	}
	return all
}

// TryApply applies an object, which becomes what the server made of it.
func (c *Cluster) TryApply(u *unstructured.Unstructured) error {
	ctx, status := c.tb.Context(), u.Object["status"]
	delete(u.Object, "status")
	sent := u.DeepCopy()
	err := c.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(fieldOwner), client.ForceOwnership)
	if meta.IsNoMatchError(err) { // the client has not heard of a new definition
		if c.Client, err = client.New(c.Config, client.Options{Scheme: c.Client.Scheme()}); err != nil {
			return err
		}
		u.Object = sent.Object
		err = c.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(fieldOwner), client.ForceOwnership)
	}
	if err != nil || status == nil {
		return err
	}
	u.Object["status"] = status
	return c.Client.Status().Update(ctx, u, client.FieldOwner(fieldOwner))
}

// Documents reads a manifest.
func (c *Cluster) Documents(manifest string) []*unstructured.Unstructured {
	c.tb.Helper()
	var all []*unstructured.Unstructured
	docs := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(manifest)))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			c.tb.Fatal(err)
		}
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(doc, &u.Object); err != nil {
			c.tb.Fatalf("%v in\n%s", err, bytes.TrimSpace(doc))
		}
		if len(u.Object) > 0 {
			all = append(all, u)
		}
	}
}

// Delete deletes objects, and returns before those are gone that something holds.
func (c *Cluster) Delete(all ...client.Object) {
	c.tb.Helper()
	for _, o := range all {
		if err := client.IgnoreNotFound(c.Client.Delete(context.WithoutCancel(c.tb.Context()), o)); err != nil {
			c.tb.Fatalf("%s/%s: %v", o.GetNamespace(), o.GetName(), err)
		}
	}
}
