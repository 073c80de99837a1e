package mesh

import (
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// routing is what the routes of a listener say.
type routing struct {
	actions []action
	targets []target
}

// action is a RouteAction.
type action struct {
	path string
	node *yaml.Node
}

// target is a cluster that a route names.
type target struct {
	path    string
	line    int
	cluster string
	mirror  bool
}

// visit takes note of what the schema finds in a listener.
func (r *routing) visit(path string, n *yaml.Node, md protoreflect.MessageDescriptor) {
	switch md.FullName() {
	case "envoy.config.route.v3.RouteAction":
		r.actions = append(r.actions, action{path, n})
		r.target(path, n, "cluster", false)
	case "envoy.config.route.v3.WeightedCluster.ClusterWeight":
		r.target(path, n, "name", false)
	case "envoy.config.route.v3.RouteAction.RequestMirrorPolicy":
		r.target(path, n, "cluster", true)
	}
}

func (r *routing) target(path string, n *yaml.Node, field string, mirror bool) {
	if name := get(n, field); text(name) != "" {
		r.targets = append(r.targets, target{join(path, field), name.Line, name.Value, mirror})
	}
}

// fillTimeouts makes the deadline that a call brings itself (grpc-timeout) count,
// and takes away the 15 s that Envoy gives to a route without a timeout.
//
// Envoy does not look at timeout once max_stream_duration is set (router.cc,
// FilterUtility::finalTimeout). So a route with a timeout of its own gets the older
// max_grpc_timeout, with which the earlier of the two ends the call.
func (r *routing) fillTimeouts(warnings *problems) {
	for _, action := range r.actions {
		limit := get(action.node, "timeout")
		duration := get(action.node, "max_stream_duration")
		switch limited := limit != nil && !isZeroDuration(limit.Value); {
		case get(action.node, "max_grpc_timeout") != nil:
			fill(action.node, "timeout", filledString("0s"))
		case limited && duration != nil:
			warnings.add(join(action.path, "timeout"), limit.Line, "Envoy does not look at it where max_stream_duration is set")
			fill(duration, "grpc_timeout_header_max", filledString("0s"))
		case limited:
			fill(action.node, "max_grpc_timeout", filledString(limit.Value))
		default:
			fill(action.node, "timeout", filledString("0s"))
			fill(sub(action.node, "max_stream_duration"), "grpc_timeout_header_max", filledString("0s"))
		}
	}
}

// isZeroDuration tells whether a duration in its JSON form is 0.
func isZeroDuration(seconds string) bool {
	return strings.Trim(seconds, "0.s") == ""
}
