package envoybin

import "debug/elf"

// callbacks stand for the extension points that Meltemi uses: an Envoy exports all
// the callbacks of an extension point or none.
var callbacks = []string{
	"envoy_dynamic_module_callback_network_filter_inject_read_data",
	"envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_buffer_chunks_size",
	"envoy_dynamic_module_callback_listener_filter_set_requested_application_protocols",
}

// missingCallback returns a callback that the binary at path does not export, or "".
// It returns "" too for a file that is no ELF binary, such as a script that starts
// one: such a file has its version checked alone.
func missingCallback(path string) string {
	f, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return callbacks[0] // there are none at all, as in a static binary
	}
	exported := make(map[string]bool, len(callbacks))
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF {
			exported[s.Name] = true
		}
	}
	for _, c := range callbacks {
		if !exported[c] {
			return c
		}
	}
	return ""
}
