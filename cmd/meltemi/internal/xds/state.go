package xds

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/proto"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
)

// served are the types of resources, in the order in which Envoy should take them.
var served = []struct {
	url  resource.Type
	kind types.ResponseType
}{
	{resource.ClusterType, types.Cluster},
	{resource.ListenerType, types.Listener},
	{resource.RouteType, types.Route},
}

// state is what is served at one time, by type URL. A state that is published does
// not change.
type state map[resource.Type]collection

// collection is all resources of one type.
type collection struct {
	byName  map[string]types.Resource
	digest  [sha256.Size]byte
	version uint64 // grows with each change; Envoy is served again when it does
}

// newState is resources as a state, without versions yet.
func newState(resources mesh.Resources) (state, error) {
	clusters := map[string]types.Resource{}
	for _, c := range resources.Clusters {
		clusters[c.GetName()] = c
	}
	listeners := map[string]types.Resource{}
	for _, l := range resources.Listeners {
		listeners[l.GetName()] = l
	}
	routes := map[string]types.Resource{}
	for _, r := range resources.Routes {
		routes[r.GetName()] = r
	}
	s := state{}
	for url, byName := range map[resource.Type]map[string]types.Resource{
		resource.ClusterType: clusters, resource.ListenerType: listeners, resource.RouteType: routes,
	} {
		c, err := newCollection(byName)
		if err != nil {
			return nil, err
		}
		s[url] = c
	}
	return s, nil
}

func newCollection(byName map[string]types.Resource) (collection, error) {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(byName[name])
		if err != nil {
			return collection{}, fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(hash, "%q %d ", name, len(bytes)) //nolint:errcheck // a hash takes all
		hash.Write(bytes)
	}
	return collection{byName: byName, digest: [sha256.Size]byte(hash.Sum(nil))}, nil
}

// with is s and, beside it, the clusters and routes of before that s lacks.
func (s state) with(before state) state {
	out := maps.Clone(s)
	for _, url := range []resource.Type{resource.ClusterType, resource.RouteType} {
		all := maps.Clone(before[url].byName)
		if all == nil {
			continue
		}
		maps.Copy(all, s[url].byName)
		if len(all) == len(s[url].byName) {
			continue
		}
		both := fmt.Sprintf("%x and %x", s[url].digest, before[url].digest)
		out[url] = collection{byName: all, digest: sha256.Sum256([]byte(both))}
	}
	return out
}

// withClusters is s with the clusters of other.
func (s state) withClusters(other state) state {
	out := maps.Clone(s)
	out[resource.ClusterType] = other[resource.ClusterType]
	return out
}

// number gives each type the version that it has in before, or the next one if it
// differs.
func (s state) number(before state) {
	for _, t := range served {
		c, old := s[t.url], before[t.url]
		c.version = old.version
		if old.version == 0 || c.digest != old.digest {
			c.version++
		}
		s[t.url] = c
	}
}

// versionOf is the version of a type as Envoy is told.
func (s state) versionOf(url resource.Type) string {
	return strconv.FormatUint(s[url].version, 10)
}

// snapshot is s for the cache.
func (s state) snapshot() *cache.Snapshot {
	var out cache.Snapshot
	for _, t := range served {
		out.Resources[t.kind] = cache.NewResources(s.versionOf(t.url), slices.Collect(maps.Values(s[t.url].byName)))
	}
	return &out
}
