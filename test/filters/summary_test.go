package filters

import (
	"encoding/json"
	"strconv"
	"strings"
)

// overload is the error of each protocol for too much to do (docs/errors.md).
var overload = map[string]string{"dubbo": "(status 100)", "thrift": "INTERNAL_ERROR", "brpc": "ELIMIT"}

// summary is what a client tells of several calls.
type summary struct {
	OK     int            `json:"ok"`
	Failed int            `json:"failed"`
	Errors map[string]int `json:"errors"`
}

// refused returns how many calls the breaker refused for that reason, in the protocol's
// own words.
func (s *summary) refused(m *mesh, text string) (n int) {
	for e, times := range s.Errors {
		if strings.Contains(e, text) && strings.Contains(e, overload[m.codec]) {
			n += times
		}
	}
	return n
}

// calls makes n calls of a method, one after another unless args say otherwise.
func (m *mesh) calls(method string, n int, args ...string) *summary {
	m.t.Helper()
	out, _ := m.call(method, append([]string{"-n", strconv.Itoa(n), "-o", "json"}, args...)...)
	line, _, _ := strings.Cut(out, "\n")
	s := &summary{}
	if err := json.Unmarshal([]byte(line), s); err != nil {
		m.t.Fatalf("%s: %v\n%s", method, err, out)
	}
	return s
}

// is waits until a stat has that value.
func (m *mesh) is(stat string, want int) {
	m.t.Helper()
	m.Eventually(stat, strconv.Itoa(want), func(n int) bool { return n == want })
}
