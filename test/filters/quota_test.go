package filters

import (
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/test/machine"
	"github.com/meltemi-mesh/meltemi/test/peers"
)

// TestQuota runs the filter of examples/quota, with a real Redis.
func TestQuota(t *testing.T) {
	t.Parallel()
	library := quotaLibrary(t)
	for _, p := range protocols {
		for _, version := range versions {
			for name, run := range map[string]func(*quotaShop){
				"used up": quotaUsedUp, "paused": quotaPaused, "clients gone": quotaClientsGone, "stopped": quotaStopped, "allows": quotaAllows,
			} {
				t.Run(p.codec+"/"+version+"/"+name, func(t *testing.T) {
					t.Parallel() // most of the time they wait
					redis, server := peers.StartRedis(t), machine.Serve(t, p.codec)
					text := func(onError string) string { return quotaMesh(p.codec, p.service, server, redis.Port, onError) }
					proxy := peers.StartWith(t, version, library, text("refuse"))
					run(&quotaShop{&mesh{t: t, codec: p.codec, service: p.service, Proxy: proxy}, redis, text})
				})
			}
		}
	}
}

// quotaUsedUp compares what clients saw, what Redis has, and what Envoy counted.
func quotaUsedUp(s *quotaShop) {
	out, failed := s.as("blue", "get", "-n", "3")
	s.mustSucceed(out, failed)
	out, failed = s.as("blue", "get")
	s.mustFail(out, failed, "the quota of tenant blue is used up: 3 calls in 1h0m0s; the next in ")
	out, failed = s.as("green", "get", "-n", "2")
	s.mustSucceed(out, failed)
	out, failed = s.as("blue", "search", "-n", "7")
	s.mustSucceed(out, failed)
	out, failed = s.as("blue", "free", "-n", "5")
	s.mustSucceed(out, failed)
	out, failed = s.as("blue", "get", "-n", "4", "-c", "4")
	s.mustFail(out, failed, "the quota of tenant blue is used up")

	for key, want := range map[string]string{"quota:all:blue": "3", "quota:all:green": "2", "quota:search:blue": "7"} {
		if got := s.redis.Do("GET", key); got != want {
			s.t.Errorf("Redis has %s=%s, want %s", key, got, want)
		}
	}
	if got := s.redis.Do("DBSIZE"); got != "3" && got != "(integer) 3" {
		s.t.Errorf("Redis has %s keys:\n%s", got, s.redis.Do("KEYS", "*"))
	}
	s.counts(12, 5, 0)
	s.Eventually("cluster.server.upstream_rq_total", "the calls that were allowed", func(n int) bool { return n == 12+5 })

	// A window that passes.
	out, failed = s.as("blue", "poll", "-n", "2")
	s.mustFail(out, failed, "the quota of tenant blue is used up: 1 calls in 3s")
	s.eventually("the next window has begun", func() bool {
		_, failed := s.as("blue", "poll")
		return !failed
	})
}

// quotaPaused has calls that wait as long as they may, and others beside them.
func quotaPaused(s *quotaShop) {
	out, failed := s.as("blue", "get")
	s.mustSucceed(out, failed)
	s.redis.Pause()
	began := time.Now()
	ended := make(chan struct{})
	var waited string
	var refused bool
	go func() {
		defer close(ended)
		waited, refused = s.as("blue", "search", "-n", "8", "-c", "8")
	}()
	s.Eventually("http.rpc.downstream_rq_active", "the calls that wait", func(n int) bool { return n == 8 })
	out, failed = s.as("blue", "free", "-n", "8", "-c", "4") // on the same workers
	s.mustSucceed(out, failed)
	select {
	case <-ended:
		s.t.Errorf("after %v nothing waited any more, so nobody knows whether the workers were free", time.Since(began))
	default:
	}
	<-ended
	s.mustFail(waited, refused, "8 failed")
	s.mustFail(waited, refused, "the quota of tenant blue cannot be looked up")
	if took := time.Since(began); took < 7*time.Second {
		s.t.Errorf("the calls waited for %v, want the timeout of 8 s", took)
	}
	s.counts(1, 0, 8)
	s.redis.Resume()
	s.eventually("calls work again", func() bool {
		_, failed := s.as("green", "search")
		return !failed
	})
}

// quotaClientsGone has clients that do not wait. Redis, once it can, hears of no more of their
// calls than were sent to it: one on each of the two connections.
func quotaClientsGone(s *quotaShop) {
	out, failed := s.as("blue", "get")
	s.mustSucceed(out, failed)
	s.redis.Pause()
	out, failed = s.as("gone", "search", "-n", "8", "-c", "8", "--timeout", "3s")
	if !failed || !strings.Contains(out, "8 failed") {
		s.t.Errorf("the clients saw %s", out)
	}
	s.Eventually("http.rpc.downstream_rq_active", "no calls", func(n int) bool { return n == 0 })
	s.redis.Resume()
	s.eventually("calls work again", func() bool {
		_, failed := s.as("green", "search")
		return !failed
	})
	switch got := s.redis.Do("GET", "quota:search:gone"); got {
	case "", "(nil)", "1", "2":
	default:
		s.t.Errorf("Redis has counted %s of the calls, want 2 at most", got)
	}
	if n := s.Stat(quotaPrefix + "calls_total.result.error"); n != 0 {
		s.t.Errorf("%d calls count as errors, and their clients were gone", n)
	}
}

// quotaStopped has calls while there is no Redis, and afterwards.
func quotaStopped(s *quotaShop) {
	out, failed := s.as("blue", "get", "-n", "3")
	s.mustSucceed(out, failed)
	s.redis.Kill()
	began := time.Now()
	out, failed = s.as("green", "get", "-n", "5")
	s.mustFail(out, failed, "the quota of tenant green cannot be looked up")
	if took := time.Since(began); took > 30*time.Second { // were each to wait, that would be 40 s
		s.t.Errorf("five calls took %v", took)
	}
	s.counts(3, 0, 5)
	s.redis.Start()
	s.eventually("calls work again", func() bool {
		_, failed := s.as("green", "get")
		return !failed
	})
	if got := s.redis.Do("GET", "quota:all:green"); got != "1" {
		s.t.Errorf("Redis has counted %s calls, want 1", got)
	}
}

// quotaAllows changes on_error: calls go on without Redis, and the connections of the
// filter that was replaced are closed.
func quotaAllows(s *quotaShop) {
	out, failed := s.as("blue", "search", "-n", "8", "-c", "4")
	s.mustSucceed(out, failed)
	if n := s.connections(); n < 1 || n > 2 {
		s.t.Errorf("the filter has %d connections, want 1 or 2", n)
	}
	s.Change(s.text("allow"))
	s.eventually("the connections of the old filter are closed", func() bool { return s.connections() == 0 })

	out, failed = s.as("blue", "get", "-n", "4")
	s.mustFail(out, failed, "the quota of tenant blue is used up")
	s.redis.Pause()
	out, failed = s.as("blue", "get")
	s.mustSucceed(out, failed)
	s.redis.Resume()
	s.redis.Kill()
	out, failed = s.as("blue", "get", "-n", "5")
	s.mustSucceed(out, failed)
	s.counts(3, 1, 6) // since the change
	s.Eventually("cluster.server.upstream_rq_total", "all but the one that was refused", func(n int) bool { return n == 3+8+6 })
}

// connections is how many Redis has, beside that of the one who asks.
func (s *quotaShop) connections() int {
	return strings.Count(s.redis.Do("CLIENT", "LIST", "TYPE", "normal"), "id=") - 1
}
