// Package filter is what the author of a layer-7 filter imports. A filter sees
// calls, whatever their protocol: service, method, metadata, status. It lets them
// go on, changes them, or answers them, and Envoy runs it among its own filters.
//
// # A filter in ten minutes
//
// A [Definition] names the filter and makes it out of its configuration. The
// [Filter] is shared by all calls; its Begin is asked for each call, and returns a
// [Handler] for those that it cares about. The Handler's hooks are called in this
// order:
//
//	Request    the call is here; nobody has routed it yet
//	Response   its answer is here, if one comes
//	End        it is over, however it ended
//
// Request and Response return a [Verdict]: [Continue], [Reply] with an error of the
// protocol's own, [Answer] with a whole reply, [Reset]. Embed [Base] and write only
// the hooks that you want:
//
//	type handler struct {
//		filter.Base
//		*quota
//	}
//
//	func (h handler) Request(c filter.Call) filter.Verdict {
//		tenant, _ := c.Metadata().Get("tenant")
//		if !h.allows(tenant) {
//			return filter.Reply(sdk.Failure{Cause: sdk.CauseRateLimited, Message: "quota of " + tenant})
//		}
//		return filter.Continue
//	}
//
// `meltemi new filter NAME` writes such a filter, with its test, as a module of its
// own. `meltemi build --with` puts it into the shared library, and a mesh file runs
// it: `filters: [{name: NAME, config: {...}}]`.
//
// # What a filter can change
//
// [Call.Metadata] are the entries that the application will see: what a filter sets
// there is written into the message at the far edge, or the call is refused if the
// protocol has no place for it. [Call.Local] are entries of this proxy alone, for
// routes, hashes, rate limits and policies that come later: they are headers
// x-rpc-local-*, and never reach a message. [Call.SetMethod] sends a call to another
// method. After a change in Request the route is chosen anew.
//
// # Waiting
//
// A hook runs on an Envoy worker thread, which has thousands of other calls to
// serve: it must not block, sleep, do I/O or take a lock that is held for long. What
// takes time is done elsewhere while the call waits:
//
//	return c.Go(50*time.Millisecond, filter.Continue, func(ctx context.Context) filter.Then {
//		left, err := redis.Decrement(ctx, tenant) // on a goroutine: c must not be used here
//		return func(c filter.Call) filter.Verdict { // on the worker again
//			...
//		}
//	})
//
// The second argument is the verdict if that takes too long. If the call or its
// connection dies first, the context is cancelled, the function is never called, and
// End is. [Call.Pause] does the same for those who have goroutines of their own, and
// [Call.HTTP] and [Call.GRPC] ask a service behind an Envoy cluster.
//
// # Payload
//
// Hooks usually run as soon as the headers are there, and a filter that reads no
// payload costs its body nothing. A filter that implements [PayloadReader] can have
// the whole message first: then [Call.Payload] is the original frame, [Call.Arguments]
// is what the protocol's codec reads in it, and [Call.Argument] one value of that, which
// costs much less.
//
// Call.Rewrite makes a copy of the message with entries changed or removed, for a
// filter that keeps or passes on what it has read.
//
// # Metrics
//
// [Host] defines counters, gauges and histograms while the filter is made; they
// appear among Envoy's statistics, with labels. Label values come from calls, which
// strangers send: after [MaxSeries] combinations all others count as "other".
//
// # Threads and ownership
//
// Filter.Begin and what it shares between calls is used by all worker threads at
// once; in a Wasm module each worker has a Filter of its own. A Handler belongs to one
// call, whose hooks are called on one thread, never two at a time. A [Call] must be used
// in hooks and in the functions that the host calls for it, and not after End; anywhere
// else it does nothing. Strings are yours. Byte slices are borrowed until the hook
// returns.
//
// A filter that holds connections, files or goroutines is a [Closer], which gives them
// back when Envoy has taken another configuration. A goroutine of its own has to recover
// from its panics: nobody else can.
//
// # Hosts
//
// The dynamic module of Envoy can do all that is here. Others can not, such as a Wasm
// module: a Definition names what it needs ([Capability]), and a host that lacks it
// refuses the filter when it is loaded (docs/hosts.md).
//
// # Errors and panics
//
// A configuration that is wrong is an error of New, and Envoy refuses the listener
// with its text. A panic in a hook costs that call, which gets an error with cause
// internal; it is counted, and logged once with its stack.
//
// # Testing
//
// Package filtertest runs a filter without Envoy: calls made of words, a clock to
// turn, and the metrics and logs to look at.
package filter
