package filterhost_test

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

func clock() time.Time { return time.Unix(0, 0) }

// nothing is a Stream of which nothing is known.
type nothing struct{}

func (nothing) Attribute(filterhost.Attribute) string              { return "" }
func (nothing) RouteConfig() any                                   { return nil }
func (nothing) Record(*filter.Metric, filter.Op, uint64, []string) {}
func (nothing) SetDynamicString(string, string)                    {}
func (nothing) SetDynamicNumber(string, float64)                   {}
func (nothing) Tag(string, string)                                 {}
func (nothing) Wake(uint64)                                        {}
func (nothing) WakeIn(time.Duration, uint64) (stop func())         { return func() {} }
