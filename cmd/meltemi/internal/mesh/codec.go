package mesh

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// CheckCodec judges a codec's configuration, the JSON that the module in Envoy will
// be given: an unknown codec and a wrong field are errors that name it.
type CheckCodec func(config []byte) error

// codec is what a listener or a cluster says under codec.
type codec struct {
	node   *yaml.Node
	config string // the same as the module's configuration, JSON
	auto   bool   // several codecs, told apart by a connection's first bytes
}

// readCodec reads the codec field n: a name, or a mapping with name or auto, which
// is the module's configuration as it stands. It returns nil after a problem.
func readCodec(into *problems, path string, n *yaml.Node, check CheckCodec) *codec {
	config := n
	switch {
	case isString(n) && n.Value != "":
		config = mapping(entry{"name", n})
	case n.Kind != yaml.MappingNode:
		into.add(path, n.Line, "want a codec's name, or a mapping with name or auto, got %s", kindOf(n))
		return nil
	case get(n, "name") == nil && get(n, "auto") == nil:
		into.add(path, n.Line, "needs name (one codec) or auto (a list of codecs)")
		return nil
	}
	text, err := toJSON(config)
	if err == nil && check != nil {
		err = check(text)
	}
	if err != nil {
		into.add(path, n.Line, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		return nil
	}
	return &codec{node: config, config: string(text), auto: get(config, "auto") != nil}
}

// Names by which Envoy finds us.
const (
	moduleName        = "meltemi" // libmeltemi.so
	networkFilterType = "envoy.extensions.filters.network.dynamic_modules.v3.DynamicModuleNetworkFilter"
	bridgeType        = "envoy.extensions.upstreams.http.dynamic_modules.v3.Config"
)

// moduleConfig names the shared library. It stays loaded: a Go runtime cannot leave
// a process.
func moduleConfig() *yaml.Node {
	return mapping(
		entry{"name", filledString(moduleName)},
		entry{"do_not_close", filledBool(true)},
	)
}

// stringValue wraps text for the module, which gets the bytes as they are.
func stringValue(text string) *yaml.Node {
	return typedConfig("google.protobuf.StringValue", entry{"value", filledString(text)})
}

// networkFilter is the downstream edge, which stands before the HTTP connection
// manager.
func (c *codec) networkFilter() *yaml.Node {
	return extension("envoy.filters.network.dynamic_modules", networkFilterType,
		entry{"dynamic_module_config", moduleConfig()},
		entry{"filter_name", filledString(moduleName)},
		entry{"filter_config", stringValue(c.config)},
	)
}

// bridge is the upstream edge of a cluster.
func (c *codec) bridge() *yaml.Node {
	return extension("envoy.upstreams.http.dynamic_modules", bridgeType,
		entry{"dynamic_module_config", moduleConfig()},
		entry{"bridge_name", filledString(moduleName)},
		entry{"bridge_config", stringValue(c.config)},
	)
}
