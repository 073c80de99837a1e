package contrib

/*
#cgo LDFLAGS: -Wl,-unresolved-symbols=ignore-all

// What Envoy's network filter offers, as contrib/golang/common/go/api/api.h declares it;
// a CAPIStatus is an int.
int envoyGoFilterDownstreamClose(void* wrapper, int close_type);
int envoyGoFilterDownstreamWrite(void* f, void* buffer_ptr, int buffer_len, int end_stream);
void envoyGoFilterDownstreamFinalize(void* wrapper, int reason);
int envoyGoFilterDownstreamInfo(void* wrapper, int t, void* ret);
void* envoyGoFilterUpstreamConnect(void* library_id, void* addr, unsigned long conn_id);
int envoyGoFilterUpstreamWrite(void* u, void* buffer_ptr, int buffer_len, int end_stream);
int envoyGoFilterUpstreamClose(void* wrapper, int close_type);
void envoyGoFilterUpstreamFinalize(void* wrapper, int reason);
int envoyGoFilterUpstreamInfo(void* wrapper, int t, void* ret);
*/
import "C"

import (
	"runtime"
	"strings"
	"unsafe"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"
)

// networkAPI is Envoy's interface to its network filter; api.NetworkCAPI. That of Envoy's
// own Go package opens connections with strings that Go's rules for C do not allow, so it
// needs GODEBUG=cgocheck=0 in the proxy's environment. This one pins them.
type networkAPI struct{}

// DownstreamWrite implements api.NetworkCAPI.
func (networkAPI) DownstreamWrite(f, data unsafe.Pointer, length, end int) {
	C.envoyGoFilterDownstreamWrite(f, data, C.int(length), C.int(end))
}

// DownstreamClose implements api.NetworkCAPI.
func (networkAPI) DownstreamClose(f unsafe.Pointer, how int) {
	C.envoyGoFilterDownstreamClose(f, C.int(how))
}

// DownstreamFinalize implements api.NetworkCAPI.
func (networkAPI) DownstreamFinalize(f unsafe.Pointer, reason int) {
	C.envoyGoFilterDownstreamFinalize(f, C.int(reason))
}

// DownstreamInfo implements api.NetworkCAPI.
func (networkAPI) DownstreamInfo(f unsafe.Pointer, what int) string {
	var text string // Envoy makes it point into its own memory
	C.envoyGoFilterDownstreamInfo(f, C.int(what), unsafe.Pointer(&text))
	return strings.Clone(text)
}

// GetFilterState implements api.NetworkCAPI; nobody here asks for it.
func (networkAPI) GetFilterState(unsafe.Pointer, string) string { return "" }

// SetFilterState implements api.NetworkCAPI; nobody here sets it.
func (networkAPI) SetFilterState(unsafe.Pointer, string, string, api.StateType, api.LifeSpan, api.StreamSharing) {
}

// UpstreamConnect implements api.NetworkCAPI. Envoy copies both strings.
func (networkAPI) UpstreamConnect(library, address string, id uint64) unsafe.Pointer {
	var pins runtime.Pinner
	defer pins.Unpin()
	for _, s := range []string{library, address} {
		if s != "" {
			pins.Pin(unsafe.StringData(s))
		}
	}
	return C.envoyGoFilterUpstreamConnect(unsafe.Pointer(&library), unsafe.Pointer(&address), C.ulong(id))
}

// UpstreamConnEnableHalfClose implements api.NetworkCAPI; nobody here asks for it.
func (networkAPI) UpstreamConnEnableHalfClose(unsafe.Pointer, int) {}

// UpstreamWrite implements api.NetworkCAPI.
func (networkAPI) UpstreamWrite(f, data unsafe.Pointer, length, end int) {
	C.envoyGoFilterUpstreamWrite(f, data, C.int(length), C.int(end))
}

// UpstreamClose implements api.NetworkCAPI.
func (networkAPI) UpstreamClose(f unsafe.Pointer, how int) {
	C.envoyGoFilterUpstreamClose(f, C.int(how))
}

// UpstreamFinalize implements api.NetworkCAPI.
func (networkAPI) UpstreamFinalize(f unsafe.Pointer, reason int) {
	C.envoyGoFilterUpstreamFinalize(f, C.int(reason))
}

// UpstreamInfo implements api.NetworkCAPI.
func (networkAPI) UpstreamInfo(f unsafe.Pointer, what int) string {
	var text string
	C.envoyGoFilterUpstreamInfo(f, C.int(what), unsafe.Pointer(&text))
	return strings.Clone(text)
}
