// Package manifest reads resources out of manifests, as kubectl takes them, for those who
// have no cluster at hand: `meltemi translate` and its like, and tests. It does no I/O of
// its own.
package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	networkingv1 "istio.io/client-go/pkg/apis/networking/v1"
	networkingv1alpha3 "istio.io/client-go/pkg/apis/networking/v1alpha3"
	networkingv1beta1 "istio.io/client-go/pkg/apis/networking/v1beta1"
	securityv1 "istio.io/client-go/pkg/apis/security/v1"
	securityv1beta1 "istio.io/client-go/pkg/apis/security/v1beta1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// Object is a resource, with where it was read.
type Object struct {
	Object runtime.Object
	// Meta is the resource's metadata.
	Meta metav1.Object
	// File and Document are where it stands: the documents of a file count from 1.
	File     string
	Document int
}

// where names a place in an error.
func where(file string, document int) string { return fmt.Sprintf("%s, document %d", file, document) }

// Reader reads manifests.
type Reader struct {
	decoder runtime.Decoder
	// Objects are what was read, in order; the items of a List each for itself. Of a
	// resource that is there several times the last one counts, as for kubectl, in the
	// place of the first.
	Objects []Object
	// Unknown are the documents of kinds that do not matter here.
	Unknown []string
	// Replaced are the resources that were there before, with what took their place.
	Replaced []string

	places map[string]int // in Objects, by kind, namespace and name
}

// NewReader returns a reader of the kinds that matter.
func NewReader() (*Reader, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		v1alpha1.AddToScheme, corev1.AddToScheme, discoveryv1.AddToScheme, networkingv1.AddToScheme,
		networkingv1alpha3.AddToScheme, networkingv1beta1.AddToScheme, securityv1.AddToScheme,
		securityv1beta1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	codecs := serializer.NewCodecFactory(scheme, serializer.EnableStrict)
	return &Reader{decoder: codecs.UniversalDeserializer(), places: map[string]int{}}, nil
}

// Read reads the documents of a file. A document that cannot be read is an error that
// names it, and costs no other.
func (r *Reader) Read(file string, content io.Reader) error {
	docs := utilyaml.NewYAMLReader(bufio.NewReader(content))
	var problems []error
	for n := 1; ; n++ {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return errors.Join(problems...)
		}
		if err != nil {
			return errors.Join(append(problems, fmt.Errorf("%s: %w", where(file, n), err))...)
		}
		if err := r.document(file, n, doc); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", where(file, n), err))
		}
	}
}

func (r *Reader) document(file string, n int, doc []byte) error {
	if len(bytes.TrimSpace(stripComments(doc))) == 0 {
		return nil
	}
	object, gvk, err := r.decoder.Decode(doc, nil, nil)
	switch {
	case runtime.IsNotRegisteredError(err):
		r.Unknown = append(r.Unknown, fmt.Sprintf("%s: %s", where(file, n), kindOf(doc)))
		return nil
	case err != nil:
		return err
	}
	if list, ok := object.(*corev1.List); ok {
		for i := range list.Items {
			if err := r.document(file, n, list.Items[i].Raw); err != nil {
				return fmt.Errorf("items[%d]: %w", i, err)
			}
		}
		return nil
	}
	meta, ok := object.(metav1.Object)
	if !ok {
		return fmt.Errorf("%s has no metadata", gvk)
	}
	if meta.GetName() == "" {
		return fmt.Errorf("%s has no name", gvk.Kind)
	}
	if meta.GetNamespace() == "" {
		meta.SetNamespace(metav1.NamespaceDefault)
	}
	r.add(gvk.GroupKind().String(), Object{Object: object, Meta: meta, File: file, Document: n})
	return nil
}

func (r *Reader) add(kind string, o Object) {
	name := fmt.Sprintf("%s %s/%s", kind, o.Meta.GetNamespace(), o.Meta.GetName())
	at, before := r.places[name]
	if !before {
		r.places[name] = len(r.Objects)
		r.Objects = append(r.Objects, o)
		return
	}
	r.Replaced = append(r.Replaced, fmt.Sprintf("%s: %s is in %s too, which counts", where(r.Objects[at].File, r.Objects[at].Document), name, where(o.File, o.Document)))
	r.Objects[at] = o
}

// kindOf is what a document says it is.
func kindOf(doc []byte) string {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(doc, &kind); err != nil {
		return "a resource that cannot be read"
	}
	return kind.GroupVersionKind().String()
}

// stripComments leaves out lines that say nothing, to know an empty document.
func stripComments(doc []byte) []byte {
	var out []byte
	for line := range bytes.Lines(doc) {
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && trimmed[0] != '#' && !bytes.Equal(trimmed, []byte("---")) {
			out = append(out, line...)
		}
	}
	return out
}
