package process

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// memoryLimitVariable overrides the limit of the library's Go heap, in bytes or
// with a suffix KiB, MiB or GiB; "off" lifts it.
const memoryLimitVariable = "MELTEMI_MEMORY_LIMIT"

// defaultMemoryLimit is a soft limit: beyond it Go collects garbage more eagerly.
// It is far above what the library holds in steady state.
const defaultMemoryLimit = 512 << 20

var fitted sync.Once

// Fit fits Go's runtime to a proxy with that many worker threads, once. Each worker that
// is inside Go holds one of GOMAXPROCS, and the collector wants one too. Neither that nor
// the memory limit may come from GOMAXPROCS and GOMEMLIMIT: injectors set these two to
// the limits of the whole container. log writes to the proxy's log.
func Fit(workers int, log func(level filter.Level, format string, args ...any)) {
	fitted.Do(func() {
		runtime.GOMAXPROCS(max(workers+2, runtime.NumCPU()))
		limit, ok := memoryLimit()
		if !ok {
			log(filter.Warn, "%s=%q is not a size such as 256MiB; using %d MiB",
				memoryLimitVariable, os.Getenv(memoryLimitVariable), defaultMemoryLimit>>20)
		}
		debug.SetMemoryLimit(limit)
		log(filter.Info, "%d workers, GOMAXPROCS %d, memory limit %d MiB", workers, runtime.GOMAXPROCS(0), limit>>20)
	})
}

// Budget is what messages on their way in may take together: half of the limit, since the
// memory of a buffer that grows is up to twice its bytes.
var Budget = sync.OnceValue(func() *engine.Budget {
	limit, _ := memoryLimit()
	return engine.NewBudget(limit / 2)
})

func memoryLimit() (limit int64, ok bool) { return parseMemoryLimit(os.Getenv(memoryLimitVariable)) }

func parseMemoryLimit(text string) (limit int64, ok bool) {
	switch text {
	case "":
		return defaultMemoryLimit, true
	case "off":
		return math.MaxInt64, true
	}
	shift := 0
	for suffix, s := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if rest, found := strings.CutSuffix(text, suffix); found {
			text, shift = rest, s
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift {
		return defaultMemoryLimit, false
	}
	return n << shift, true
}
