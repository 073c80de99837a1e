// Package lint tells why a rule would not apply: a binding that is not accepted, a route or
// policy that waits for what no codec ever shows, a subset that nobody has declared. It is
// pure, and asks no cluster: it goes by the resources that it is given, and says nothing of
// those that it is not.
package lint
