package mesh

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// services does for Services what Kubernetes' endpoints controller and kube-proxy do: it
// tells which pods are behind them, and has the node send connections to them.
type services struct {
	client  client.Client
	cache   cache.Cache
	changed chan struct{}
	written map[client.ObjectKey]*discoveryv1.EndpointSlice
	rules   string // of iptables, as they are
}

// proxyServices serves Services until the end of all tests.
func (m *Mesh) proxyServices() {
	c, err := cache.New(m.Config, cache.Options{Scheme: m.Client.Scheme()})
	if err != nil {
		life.Fatal(err)
	}
	s := &services{client: m.Client, cache: c, changed: make(chan struct{}, 1), written: map[client.ObjectKey]*discoveryv1.EndpointSlice{}}
	ctx, cancel := context.WithCancel(life.Context())
	life.Cleanup(cancel)
	for _, kind := range []client.Object{&corev1.Service{}, &corev1.Pod{}} {
		informer, err := c.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err == nil {
			_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
				AddFunc: func(any) { s.wake() }, UpdateFunc: func(any, any) { s.wake() }, DeleteFunc: func(any) { s.wake() },
			})
		}
		if err != nil {
			life.Fatal(err)
		}
	}
	go func() { _ = c.Start(ctx) }()
	if !c.WaitForCacheSync(ctx) {
		life.Fatal("the caches of Services and Pods did not fill")
	}
	go s.run(ctx)
}

func (s *services) wake() {
	select {
	case s.changed <- struct{}{}:
	default: // it is going to look anyway
	}
}

func (s *services) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		}
		if err := s.sync(ctx); err != nil && ctx.Err() == nil {
			life.Logf("serving Services: %v", err)
			time.Sleep(time.Second)
			s.wake()
		}
	}
}

// sync brings EndpointSlices and rules up to date.
func (s *services) sync(ctx context.Context) error {
	var all corev1.ServiceList
	if err := s.cache.List(ctx, &all); err != nil {
		return err
	}
	slices.SortFunc(all.Items, func(a, b corev1.Service) int { return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name) })
	wanted := map[client.ObjectKey]*discoveryv1.EndpointSlice{}
	rules := &strings.Builder{}
	for i := range all.Items {
		service := &all.Items[i]
		if len(service.Spec.Selector) == 0 {
			continue
		}
		var pods corev1.PodList
		if err := s.cache.List(ctx, &pods, client.InNamespace(service.Namespace), client.MatchingLabelsSelector{Selector: labels.SelectorFromSet(service.Spec.Selector)}); err != nil {
			return err
		}
		slice := slicesOf(service, pods.Items)
		wanted[client.ObjectKeyFromObject(slice)] = slice
		writeRules(rules, service, slice)
	}
	if err := s.write(ctx, wanted); err != nil {
		return err
	}
	return s.route(rules.String())
}

// write brings the EndpointSlices of the API server up to date.
func (s *services) write(ctx context.Context, wanted map[client.ObjectKey]*discoveryv1.EndpointSlice) error {
	for key, slice := range wanted {
		if is := s.written[key]; is != nil && fmt.Sprint(is.Ports, is.Endpoints) == fmt.Sprint(slice.Ports, slice.Endpoints) {
			continue
		}
		of := slice.DeepCopy()
		err := s.client.Patch(ctx, of, client.Apply, client.FieldOwner("mesh"), client.ForceOwnership) //nolint:staticcheck // Kubernetes has no other form for a plain object
		if err != nil {
			return err
		}
		s.written[key] = slice
	}
	for key, slice := range maps.Clone(s.written) {
		if wanted[key] == nil {
			if err := client.IgnoreNotFound(s.client.Delete(ctx, slice)); err != nil {
				return err
			}
			delete(s.written, key)
		}
	}
	return nil
}

// slicesOf are the endpoints of a Service: all its pods that have an address.
func slicesOf(service *corev1.Service, pods []corev1.Pod) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		TypeMeta: metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: service.Namespace, Name: service.Name + "-mesh",
			Labels: map[string]string{discoveryv1.LabelServiceName: service.Name},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	if service.Spec.ClusterIP == corev1.ClusterIPNone {
		slice.Labels[corev1.IsHeadlessService] = ""
	}
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	for i := range pods {
		pod := &pods[i]
		if pod.Status.PodIP == "" {
			continue
		}
		serving := isReady(pod) || service.Spec.PublishNotReadyAddresses
		terminating := pod.DeletionTimestamp != nil
		ready := serving && !terminating
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{pod.Status.PodIP},
			Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &terminating},
			NodeName:   &pod.Spec.NodeName,
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		})
	}
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		target := targetOf(port, pods)
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &port.Name, Port: &target, Protocol: &port.Protocol, AppProtocol: port.AppProtocol})
	}
	return slice
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// targetOf is the pods' port behind a Service's.
func targetOf(port *corev1.ServicePort, pods []corev1.Pod) int32 {
	if port.TargetPort.Type == intstr.Int {
		return port.TargetPort.IntVal
	}
	for i := range pods {
		for j := range pods[i].Spec.Containers {
			for _, p := range pods[i].Spec.Containers[j].Ports {
				if p.Name == port.TargetPort.StrVal {
					return p.ContainerPort
				}
			}
		}
	}
	return 0
}

// writeRules has connections to a Service go to one of its endpoints, any one.
func writeRules(rules *strings.Builder, service *corev1.Service, slice *discoveryv1.EndpointSlice) {
	if service.Spec.ClusterIP == corev1.ClusterIPNone || service.Spec.ClusterIP == "" {
		return
	}
	var ready []string
	for i := range slice.Endpoints {
		if *slice.Endpoints[i].Conditions.Ready {
			ready = append(ready, slice.Endpoints[i].Addresses[0])
		}
	}
	for i := range service.Spec.Ports {
		for left, ip := range ready {
			fmt.Fprintf(rules, "-A SERVICES -d %s/32 -p tcp --dport %d -m statistic --mode random --probability %.6f -j DNAT --to-destination %s:%d\n",
				service.Spec.ClusterIP, service.Spec.Ports[i].Port, 1/float64(len(ready)-left), ip, *slice.Ports[i].Port)
		}
	}
}

// route replaces the node's rules.
func (s *services) route(rules string) error {
	if rules == s.rules {
		return nil
	}
	cmd := exec.Command("iptables-restore")
	cmd.Stdin = strings.NewReader("*nat\n:SERVICES -\n-A PREROUTING -j SERVICES\n-A OUTPUT -j SERVICES\n" + rules + "COMMIT\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("iptables-restore: %w: %s", err, out)
	}
	s.rules = rules
	return nil
}
