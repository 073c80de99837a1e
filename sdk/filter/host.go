package filter

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Host is what a filter may ask of its host while New runs, and where told also
// later.
type Host interface {
	// Counter, Gauge and Histogram define a metric, while New runs and not later. The
	// name consists of lower-case letters, digits and '_', and ends with its unit, such
	// as "_ms" or "_bytes"; the host puts "meltemi_", the filter's name and '_' before
	// it, and Envoy "dynamicmodulescustom." before that. labels are the names of labels,
	// at most MaxLabels. A name that is not one, or is there twice, is an error of New
	// that the host adds.
	Counter(name string, labels ...string) Counter
	Gauge(name string, labels ...string) Gauge
	Histogram(name string, labels ...string) Histogram

	// CheckPath reports what is wrong with a path for Call.Argument: none of the codecs at
	// the filter's place knows such paths. It is for New, and not to be called later.
	CheckPath(p *sdk.Path) error

	// Codecs are the codecs whose calls the filter can get, with their configuration.
	// It may be called on any thread at any time; what it returns is the caller's.
	Codecs() []Codec

	// Now is the time. It may be called on any thread at any time; filters are not to
	// ask another clock, so that tests can turn it.
	Now() time.Time
	// Log writes a line to Envoy's log, if the level is on. It may be called on any
	// thread at any time.
	Log(level Level, format string, args ...any)
}

// Codec is a codec as the filter's listener has it.
type Codec struct {
	Name string
	// Config is its configuration, a JSON object; nil if it has none.
	Config []byte
}

// Level is a level of Envoy's log.
type Level uint8

// The levels.
const (
	Debug Level = iota
	Info
	Warn
	Error
)

// String returns the level's name.
func (l Level) String() string {
	switch l {
	case Debug:
		return "debug"
	case Info:
		return "info"
	case Warn:
		return "warn"
	case Error:
		return "error"
	}
	return "unknown"
}
