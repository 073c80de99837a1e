package contrib

import (
	"errors"

	"github.com/envoyproxy/envoy/contrib/golang/filters/http/source/go/pkg/http"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/carried"
)

// Library is what a shared library carries.
type Library struct {
	Codecs  []sdk.Definition
	Filters []filter.Definition
}

// library is what the main package listed. It is set once, while the library's package
// variables are initialised, and only read afterwards.
var library struct {
	Library
	registered bool
	err        error // why no configuration is accepted
}

// Register tells what this shared library carries. The main package calls it once, in
// the initialiser of a package variable, since main does not run in a shared library:
//
//	var _ = contrib.Register(contrib.Library{
//		Codecs:  []sdk.Definition{dubbo.Definition(), thrift.Definition()},
//		Filters: []filter.Definition{quota.Definition()},
//	})
//
// Each filter becomes a plugin of Envoy's HTTP filter under its own name; the plugin of
// the network filter is "meltemi". After a missing or doubled name, or a second call,
// each configuration is refused with a sentence in Envoy's log.
func Register(l Library) struct{} {
	if library.registered {
		library.err = errors.Join(library.err, errors.New("contrib.Register was called twice"))
		return struct{}{}
	}
	library.Library, library.registered, library.err = l, true, carried.Check(l.Codecs, l.Filters)
	for _, d := range l.Filters {
		http.RegisterHttpFilterFactoryAndConfigParser(d.Name, newCall, &parser{name: d.Name})
	}
	registerNetwork()
	return struct{}{}
}
