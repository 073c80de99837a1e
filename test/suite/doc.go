// Package suite tests a protocol with real clients and servers and stock Envoys
// between them. What it tests is the same for all protocols; a [Protocol] is the table
// by which one joins:
//
//	func TestSuite(t *testing.T) { suite.Run(t, &protocol) }
//
// The same calls are made directly, through one Envoy and through two, and must give
// the same results. Routes and listeners change, servers and clients are killed, and
// no call is lost or made twice. And each error of Envoy reaches the client in time,
// in the form of its protocol: what clients see is a table in docs/errors.md, which
// -update writes.
package suite
