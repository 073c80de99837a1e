// Package capture reads bytes that were captured on a network, in the forms that
// people have them in: raw, as a hex dump, or as a pcap or pcapng file, whose TCP
// streams it puts together again. It recognises files of recorded calls.
//
// It trusts no file: nothing is allocated by a length that the file states, and bad
// input is an error that says where.
package capture
