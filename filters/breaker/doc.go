// Package breaker is a filter that keeps calls away from methods that fail, or that have
// too many calls under way: a circuit breaker and a limit of concurrency for each method.
//
// A circuit is closed at first. It opens when, of at least min_calls calls within window,
// failure_percent or more have failed. While it is open all calls are refused. After
// open_time it is half open: probes calls at a time may pass. One of them that fails opens
// it again, and so do all of them together if they take longer than open_time; successes of
// them that succeed close it.
//
// A call has failed if its code is among failures. Only what tells of the server counts:
// not what a proxy has refused for reasons of its own (no route, denied, rate limited, too
// large, malformed, overloaded), and not a call whose client has gone away. Lost connections
// and timeouts do count. An exception that the application declares is FAILED_PRECONDITION,
// and so the answer of a server that works. A one-way call has succeeded when it was sent.
//
// What is refused gets the protocol's error for overload, and counts as RESOURCE_EXHAUSTED,
// which meshes do not repeat by themselves.
//
// Among Envoy's statistics, each name with "dynamicmodulescustom." before it, which is
// envoy_dynamicmodulescustom_ for Prometheus:
//
//	meltemi_breaker_state            gauge: service, method; 0 closed, 1 half open, 2 open
//	meltemi_breaker_opened_total     counter: service, method
//	meltemi_breaker_refused_total    counter: service, method, reason (open, half_open, concurrency)
//	meltemi_breaker_forgotten_total  counter: circuits that were dropped for lack of room
//
// Each method has a circuit of its own from its first call on, but strangers can call
// methods that do not exist. So a circuit has a lasting place, and series of its own, only
// once a server has answered it with a result or a declared exception, and only the first
// max_methods have; the others are newcomers, count as "other", and are all dropped
// whenever there are more than max_methods of them. So invented methods can neither open
// another method's circuit nor take its place.
//
// Routes with settings of their own have circuits of their own for a method, in the place
// that the method has. Those of settings that no route has any more go when another comes
// for their method, once nobody has used them for ten times their window and open_time.
//
// All worker threads share the circuits of one filter. A filter whose configuration is
// changed is a new one, with all circuits closed.
package breaker
