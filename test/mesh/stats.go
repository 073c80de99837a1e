package mesh

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Admin is a page of the admin interface of the pod's proxy, such as "config_dump".
func (p *Pod) Admin(page string) string {
	p.t().Helper()
	text, err := p.get("http://127.0.0.1:15000/" + page)
	if err != nil {
		p.t().Fatalf("pod %s: %v", p.Name, err)
	}
	return text
}

// Counter is the sum of the counters and gauges of the pod's proxy whose whole names a
// regular expression matches, 0 without any. Clusters are named
// outbound|PORT|SUBSET|HOST and inbound|PORT||, with dots as they are and often a semicolon
// behind, so write ;? there: what is not there counts 0.
func (p *Pod) Counter(expression string) int {
	p.t().Helper()
	full := regexp.MustCompile("^(?:" + expression + ")$")
	sum := 0
	for line := range strings.Lines(p.Admin("stats")) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if n, err := strconv.Atoi(value); ok && err == nil && full.MatchString(name) {
			sum += n
		}
	}
	return sum
}

// Counted runs f, and returns how much the Counter of each expression has grown by it.
func (p *Pod) Counted(f func(), expressions ...string) []int {
	p.t().Helper()
	grown := make([]int, len(expressions))
	for i, e := range expressions {
		grown[i] = -p.Counter(e)
	}
	f()
	for i, e := range expressions {
		grown[i] += p.Counter(e)
	}
	return grown
}

// get gets a page from the pod's network.
func (p *Pod) get(url string) (string, error) {
	request, err := http.NewRequestWithContext(p.t().Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := p.admin.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s: %s", url, answer.Status, text)
	}
	return string(text), nil
}
