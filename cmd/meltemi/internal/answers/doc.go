// Package answers compares two answers to a call: the base of `meltemi replay --diff`.
//
// An answer is taken apart into facts: paths and values, such as result.items[0].id and
// 5. Two answers are the same if their facts are, which leaves out what differs from call
// to call by nature, such as ids.
package answers
