package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	redisv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/redis_proxy/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
)

const redisFilter = "envoy.filters.network.redis_proxy"

// redisOf is a RedisService or RedisDestination, read.
type redisOf[T any] struct {
	doc  *document
	spec T
}

// learnRedis takes what is said of Redis, by namespace and host.
func (m *migration) learnRedis(d *document) {
	if d.is(groupRedis, "RedisService") {
		var spec redisService
		if errs := d.strict(&spec); errs != nil {
			m.fail(errs...)
			return
		}
		if len(spec.Host) == 0 {
			m.fail(d.errorf("spec.host", "is missing"))
		}
		m.redisRead[d] = true
		for _, host := range spec.Host {
			m.redisServices[d.namespace+"/"+host] = &redisOf[redisService]{d, spec}
		}
		return
	}
	var spec redisUpstream
	if errs := d.strict(&spec); errs != nil {
		m.fail(errs...)
		return
	}
	if spec.Host == "" {
		m.fail(d.errorf("spec.host", "is missing"))
		return
	}
	m.redisRead[d] = true
	m.redisUpstreams[d.namespace+"/"+spec.Host] = &redisOf[redisUpstream]{d, spec}
}

// redis gives clients of a Redis Envoy's filter for it. Aeraki does so for each service
// with a port tcp-redis, be there a RedisService or not.
func (m *migration) redis(s *service) {
	for i := range s.ports {
		p := &s.ports[i]
		if p.protocol != protocolRedis || len(s.hosts) == 0 {
			continue
		}
		if i > 0 {
			m.note(s.doc, Changed, fmt.Sprintf("spec.ports[%d].name", i), "Aeraki reads the first port alone; now this one is read too")
		}
		proxy, err := m.redisProxy(s, p)
		if err != nil {
			m.fail(err)
			continue
		}
		value, err := typed(redisFilter, proxy)
		if err != nil {
			m.fail(s.doc.errorf(fmt.Sprintf("spec.ports[%d]", i), "%w", err))
			continue
		}
		clusters, err := m.redisClusters(s, p)
		if err != nil {
			m.fail(err)
			continue
		}
		m.emitFilter(s, p, append(onTCP(s, p, v1alpha3.EnvoyFilter_Patch_REPLACE, value), clusters...))
	}
}

// redisProxy is the filter's configuration.
func (m *migration) redisProxy(s *service, p *port) (*redisv3.RedisProxy, error) {
	all := &redisv3.RedisProxy_PrefixRoutes_Route{Cluster: m.redisCluster(s.hosts[0], p.number, s.doc.namespace)}
	out := &redisv3.RedisProxy{
		StatPrefix:   cluster(s.hosts[0], p.number),
		Settings:     &redisv3.RedisProxy_ConnPoolSettings{OpTimeout: durationpb.New(time.Minute)}, // as in Aeraki
		PrefixRoutes: &redisv3.RedisProxy_PrefixRoutes{CatchAllRoute: all},
	}
	said := firstOf(m.redisServices, s)
	if said == nil {
		return out, nil
	}
	if err := m.redisSettings(said.doc, said.spec.Settings, out); err != nil {
		return nil, err
	}
	for i := range said.spec.Faults {
		fault, err := m.redisFault(said.doc, fmt.Sprintf("spec.faults[%d]", i), &said.spec.Faults[i])
		if err != nil {
			return nil, err
		}
		out.Faults = append(out.Faults, fault)
	}
	if len(said.spec.Redis) > 0 {
		out.PrefixRoutes.CatchAllRoute = nil
	}
	for i := range said.spec.Redis {
		field := fmt.Sprintf("spec.redis[%d]", i)
		route, err := m.redisRoute(said.doc, field, &said.spec.Redis[i], p.number)
		switch key := said.spec.Redis[i].Match; {
		case err != nil:
			return nil, err
		case key != nil && key.Key != nil:
			route.Prefix, route.RemovePrefix = key.Key.Prefix, key.Key.RemovePrefix
			out.PrefixRoutes.Routes = append(out.PrefixRoutes.Routes, route)
		case out.PrefixRoutes.CatchAllRoute != nil:
			m.note(said.doc, Changed, field, "it takes all keys, as one before it; the last one counts, as in Aeraki")
			fallthrough
		default:
			out.PrefixRoutes.CatchAllRoute = route
		}
	}
	return out, nil
}

// firstOf is what is said of a service's first host that anything is said of.
func firstOf[T any](said map[string]*redisOf[T], s *service) *redisOf[T] {
	for _, host := range s.hosts {
		if found := said[s.doc.namespace+"/"+host]; found != nil {
			return found
		}
	}
	return nil
}

func (m *migration) redisSettings(d *document, from *redisSettings, out *redisv3.RedisProxy) error {
	if from == nil {
		return nil
	}
	to := out.Settings
	for _, one := range []struct {
		field, text string
		into        **durationpb.Duration
	}{
		{"opTimeout", from.OpTimeout, &to.OpTimeout}, {"bufferFlushTimeout", from.BufferFlushTimeout, &to.BufferFlushTimeout},
	} {
		if one.text == "" {
			continue
		}
		value, err := time.ParseDuration(one.text)
		if err != nil || value < 0 {
			return d.errorf("spec.settings."+one.field, "a duration such as 60s is needed")
		}
		*one.into = durationpb.New(value)
	}
	to.EnableCommandStats, to.EnableHashtagging, to.EnableRedirection = from.EnableCommandStats, from.EnableHashtagging, from.EnableRedirection
	to.MaxBufferSizeBeforeFlush = from.MaxBufferSizeBeforeFlush
	if out.PrefixRoutes.CaseInsensitive = from.CaseInsensitive; from.CaseInsensitive {
		m.note(d, Changed, "spec.settings.caseInsensitive", "Aeraki forgets it; now it is done")
	}
	if from.MaxUpstreamUnknownConnections != nil {
		to.MaxUpstreamUnknownConnections = wrapperspb.UInt32(*from.MaxUpstreamUnknownConnections)
		m.note(d, Changed, "spec.settings.maxUpstreamUnknownConnections", "Aeraki forgets it; now it is done")
	}
	switch policy := cmp.Or(from.ReadPolicy, "MASTER"); policy {
	case "MASTER", "PREFER_MASTER", "REPLICA", "PREFER_REPLICA", "ANY":
		to.ReadPolicy = redisv3.RedisProxy_ConnPoolSettings_ReadPolicy(redisv3.RedisProxy_ConnPoolSettings_ReadPolicy_value[policy])
		if policy == "PREFER_REPLICA" {
			m.note(d, Changed, "spec.settings.readPolicy", "Aeraki takes PREFER_REPLICA for PREFER_MASTER; now replicas are preferred")
		}
	default:
		return d.errorf("spec.settings.readPolicy", "%q is none of MASTER, PREFER_MASTER, REPLICA, PREFER_REPLICA, ANY", policy)
	}
	user, password := m.redisLogin(d, "spec.settings.auth", from.Auth)
	if password != "" {
		out.DownstreamAuthPasswords = []*corev3.DataSource{inline(password)}
	}
	if user != "" {
		out.DownstreamAuthUsername = inline(user)
	}
	return nil
}

// redisLogin is a user and a password, which stand in the EnvoyFilter as they do in Aeraki's.
func (m *migration) redisLogin(d *document, field string, a *redisAuth) (user, password string) {
	switch {
	case a == nil:
		return "", ""
	case a.Plain != nil:
		return a.Plain.Username, a.Plain.Password
	case a.Secret == nil:
		return "", ""
	}
	at := slices.IndexFunc(m.input.documents, func(s *document) bool {
		return s.is("", "Secret") && s.namespace == d.namespace && s.name == a.Secret.Name
	})
	if at < 0 {
		m.note(d, ToDo, field+".secret.name", "Secret %s/%s is not in the input: put its password into the EnvoyFilter, where ??? stands", d.namespace, a.Secret.Name)
		return "", "???"
	}
	var secret corev1.Secret
	if err := m.input.documents[at].decode(&secret); err != nil {
		m.fail(err)
		return "", "???"
	}
	read := func(key string) string {
		if text, ok := secret.StringData[key]; ok {
			return strings.TrimSpace(text)
		}
		return strings.TrimSpace(string(secret.Data[key]))
	}
	if a.Secret.UsernameField != "" {
		user = read(a.Secret.UsernameField)
	} else if user = read("username"); user != "" {
		m.note(d, Changed, field+".secret.usernameField", "Aeraki forgets the field username, which it says is taken by default; now it is taken")
	}
	if a.Secret.PasswordField != "" {
		password = read(a.Secret.PasswordField)
	} else {
		password = cmp.Or(read("password"), read("token"))
	}
	if password == "" {
		m.note(d, ToDo, field+".secret", "the Secret has no password: put it into the EnvoyFilter, where ??? stands")
		password = "???"
	}
	return user, password
}

func inline(text string) *corev3.DataSource {
	return &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: text}}
}

// redisRoute is a route without what it matches.
func (m *migration) redisRoute(d *document, field string, r *redisRoute, port uint32) (*redisv3.RedisProxy_PrefixRoutes_Route, error) {
	if r.Route == nil || r.Route.Host == "" {
		return nil, d.errorf(field+".route.host", "is missing")
	}
	own := m.redisPort(r.Route, port, d.namespace)
	out := &redisv3.RedisProxy_PrefixRoutes_Route{Cluster: m.redisCluster(r.Route.Host, own, d.namespace)}
	for i, mirror := range r.Mirror {
		at := fmt.Sprintf("%s.mirror[%d]", field, i)
		if mirror.Route == nil || mirror.Route.Host == "" {
			return nil, d.errorf(at+".route.host", "is missing")
		}
		fraction, err := m.fraction(d, at+".percentage", mirror.Percentage)
		if err != nil {
			return nil, err
		}
		to := m.redisPort(mirror.Route, port, d.namespace)
		if to != own {
			m.note(d, Changed, at+".route", "Aeraki mirrors to port %d, that of the route; now it is port %d", own, to)
		}
		out.RequestMirrorPolicy = append(out.RequestMirrorPolicy, &redisv3.RedisProxy_PrefixRoutes_Route_RequestMirrorPolicy{
			Cluster: m.redisCluster(mirror.Route.Host, to, d.namespace), RuntimeFraction: fraction, ExcludeReadCommands: mirror.ExcludeReadCommands,
		})
	}
	return out, nil
}

// redisPort is the port of a destination: what it says, or that of its service for Redis,
// or the one that the client dialed.
func (m *migration) redisPort(to *redisDestination, dialed uint32, namespace string) uint32 {
	if to.Port > 0 {
		return to.Port
	}
	var ports []uint32
	for _, s := range m.servicesOf(to.Host, namespace) {
		for i := range s.ports {
			if s.ports[i].protocol == protocolRedis {
				ports = append(ports, s.ports[i].number)
			}
		}
	}
	if len(ports) == 0 || slices.Contains(ports, dialed) {
		return dialed
	}
	return ports[0]
}

func (m *migration) redisFault(d *document, field string, f *redisFault) (*redisv3.RedisProxy_RedisFault, error) {
	out := &redisv3.RedisProxy_RedisFault{Commands: f.Commands}
	switch f.Type {
	case "", "DELAY":
	case "ERROR":
		out.FaultType = redisv3.RedisProxy_RedisFault_ERROR
	default:
		return nil, d.errorf(field+".type", "%q is neither DELAY nor ERROR", f.Type)
	}
	if f.Delay != "" {
		delay, err := time.ParseDuration(f.Delay)
		if err != nil || delay < 0 {
			return nil, d.errorf(field+".delay", "a duration such as 1s is needed")
		}
		out.Delay = durationpb.New(delay)
	}
	var err error
	out.FaultEnabled, err = m.fraction(d, field+".percentage", f.Percentage)
	return out, err
}

// fraction is a share of commands, all if none is said.
func (m *migration) fraction(d *document, field string, p *percent) (*corev3.RuntimeFractionalPercent, error) {
	value := 100.0
	switch {
	case p == nil:
		m.note(d, Changed, field, "it is missing, with which Aeraki cannot go on; it is taken as 100")
	case p.Value < 0 || p.Value > 100:
		return nil, d.errorf(field+".value", "is not from 0 to 100")
	default:
		value = p.Value
	}
	return &corev3.RuntimeFractionalPercent{DefaultValue: &typev3.FractionalPercent{
		Numerator: uint32(value * 10000), Denominator: typev3.FractionalPercent_MILLION,
	}}, nil
}
