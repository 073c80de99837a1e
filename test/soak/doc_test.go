// Package soak puts stock Envoys under load for a long time, with filters that pause,
// reply, panic and time out at random while clients leave, and looks for what is lost or
// left over: `make soak`. `make test` runs it for a short while.
//
// Each call has a plan (package chaos), made of the seed and of its number. So it is known
// how it has to end, and whether the server gets it. Every few seconds the load rests:
// then each call must have ended, each must have reached the server as often as planned,
// and nothing may be held for a client but its connection. What is measured then must not
// grow (trend_test.go).
package soak
