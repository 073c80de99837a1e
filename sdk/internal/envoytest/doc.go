// Package envoytest runs stock Envoys with the library in them, for tests: it
// builds the library, writes configurations, starts and stops the processes, and
// reads their statistics. Its own tests prove the rules of Envoy's edge with the
// protocol of package testcodec, whose peers are here too.
//
// Everything listens on 127.0.0.1 and on free ports.
package envoytest
