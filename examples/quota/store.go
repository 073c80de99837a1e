package quota

import (
	"context"
	_ "embed" // the script
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// store counts calls. It is used on goroutines only, never on an Envoy thread, so it may
// wait for as long as the context lets it.
type store interface {
	// take counts a call under a key, unless there are limit of them in this window.
	take(ctx context.Context, key string, limit int, window time.Duration) (count, error)
	// close gives back what the store has. It does not wait.
	close()
}

// count is what a store knows of a key.
type count struct {
	taken bool // the call is among the n
	n     int
	rest  time.Duration // until the window is over
}

//go:embed take.lua
var takeText string

var takeScript = redis.NewScript(takeText)

// redisStore is the store in Redis.
type redisStore struct{ client *redis.Client }

// newRedisStore makes a store that connects when it is first used.
func newRedisStore(address string, timeout time.Duration, connections int) redisStore {
	silence()
	return redisStore{redis.NewClient(&redis.Options{
		Addr:     address,
		Protocol: 2, DisableIdentity: true, // all that servers of any age need to be told is the script
		// A call may wait for a connection, for a new one, and for the answer: all in all
		// for as long as its context says.
		ContextTimeoutEnabled: true,
		DialTimeout:           timeout, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
		// What was sent may have been counted, so it is not sent again.
		MaxRetries: -1, DialerRetries: 1,
		PoolSize: connections, MaxActiveConns: connections,
		ReadBufferSize: bufferBytes, WriteBufferSize: bufferBytes,
	})}
}

const bufferBytes = 4 << 10 // the script, once, is the longest message

// take implements store.
func (s redisStore) take(ctx context.Context, key string, limit int, window time.Duration) (count, error) {
	got, err := takeScript.Run(ctx, s.client, []string{key}, limit, window.Milliseconds()).Int64Slice()
	if err != nil {
		return count{}, err
	}
	if len(got) != 3 {
		return count{}, fmt.Errorf("the script returned %d numbers", len(got))
	}
	return count{taken: got[0] == 1, n: int(got[1]), rest: time.Duration(got[2]) * time.Millisecond}, nil
}

// close implements store.
func (s redisStore) close() { _ = s.client.Close() }

// silence keeps the client from writing a line to the standard error for each connection
// that it cannot make. The filter tells, once.
var silence = sync.OnceFunc(func() { redis.SetLogger(nobody{}) })

type nobody struct{}

// Printf prints nothing.
func (nobody) Printf(context.Context, string, ...any) {}
