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
	return m.summary(out)
}

// heldCalls makes n calls of a method at once. The server holds those that it gets until a
// stat has that value, so all of them are made by then, however slow the machine is.
func (m *mesh) heldCalls(s *counting, method string, n int, stat string, want int) *summary {
	m.t.Helper()
	args := []string{"-n", strconv.Itoa(n), "-c", strconv.Itoa(n), "-o", "json", "--timeout", patience.String()}
	if m.codec == "thrift" { // the server speaks TTHeader
		args = append(args, "--codec-config", `{"transport":"ttheader"}`)
	}
	release := s.hold()
	defer release()
	ended := make(chan string, 1)
	go func() {
		out, _ := m.call(method, args...)
		ended <- out
	}()
	m.is(stat, want)
	release()
	return m.summary(<-ended)
}

// summary reads what the command line says of several calls.
func (m *mesh) summary(out string) *summary {
	m.t.Helper()
	line, _, _ := strings.Cut(out, "\n")
	s := &summary{}
	if err := json.Unmarshal([]byte(line), s); err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
	return s
}

// is waits until a stat has that value.
func (m *mesh) is(stat string, want int) {
	m.t.Helper()
	m.Eventually(stat, strconv.Itoa(want), func(n int) bool { return n == want })
}
