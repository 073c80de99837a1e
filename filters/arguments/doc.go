// Package arguments is a filter that shows chosen arguments of calls to routes, hashes,
// rate limits and policies: it looks them up in the message and puts them into local
// entries, which are headers x-rpc-local-* of this proxy alone.
//
//	entries:
//	- {name: customer, methods: [shop.Orders/*], path: 0.customer.id}
//
// makes a header x-rpc-local-customer of the field id of the field customer of the first
// argument, for the methods of that service. What a path is depends on the protocol: see
// CheckPath of its codec.
//
// # Who can set them
//
// Nobody but the filter: it takes an entry of the name away from each call, whatever is
// chosen for its method, and sets it from the message that goes to the server. Where a
// client could make policies see one value and the server another, because a value is
// there twice, say, or spelled in two ways, the codec finds none that can be trusted, and
// the call is refused.
//
// # What becomes of calls without a value
//
// A value that is not in the message, is null or is empty text, is missing: the header is
// not there. One that cannot be read is unreadable, as is one over max_bytes: values are
// never cut. Each entry says for both whether calls go on without the header ("skip") or
// are refused ("refuse"). Missing is skipped by default, since optional arguments are
// common; unreadable is refused, since a policy that finds no header might allow the call.
//
// # Metrics
//
//	meltemi_arguments_values_total    counter: name, result (read, missing, unreadable, too_long)
//	meltemi_arguments_refused_total   counter: name
//
// The filter holds a call of a chosen method until its message is complete, and costs
// other calls nothing but a look at their names.
package arguments
