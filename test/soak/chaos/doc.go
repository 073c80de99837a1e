// Package chaos is the filter of the soak test: to each call it does what the call's plan
// says. A plan is made of a seed and the number of the call, by the filter, by the client
// and by the server alike, so each of them knows what has to happen (Plan.Outcome).
//
// It is a module of its own, so that `meltemi build --with` puts it into the library as
// it does with anybody's filter.
package chaos
