package main

import (
	"fmt"
	"strconv"
	"strings"
)

// callRange are the numbers of the first and the last of some calls, counted from 1, as a
// flag; zero are none.
type callRange struct{ from, to uint64 }

// String implements pflag.Value.
func (r *callRange) String() string {
	if r.from == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d", r.from, r.to)
}

// Set implements pflag.Value.
func (r *callRange) Set(text string) error {
	first, last, _ := strings.Cut(text, "-")
	from, err := strconv.ParseUint(first, 10, 64)
	to, err2 := strconv.ParseUint(last, 10, 64)
	if err != nil || err2 != nil || from == 0 || to < from {
		return fmt.Errorf("%q is not FROM-TO, such as 1-10", text)
	}
	r.from, r.to = from, to
	return nil
}

// Type implements pflag.Value.
func (*callRange) Type() string { return "FROM-TO" }
