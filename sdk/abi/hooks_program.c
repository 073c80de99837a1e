#include "_cgo_export.h"
#include "meltemi.h"

static __thread uint32_t worker;

uint32_t meltemi_worker(void) {
  if (worker == 0) {
    worker = meltemiWorkerNew();
  }
  return worker;
}

// In Envoy since 1.40, and null before: it tells which version of the interface the
// host has. Its signature does not matter, since it is never called.
extern void envoy_dynamic_module_callback_network_filter_start_downstream_secure_transport(void)
    __attribute__((weak));

// Envoy warns of a version that is not its own. Nothing that this library uses
// changed from v0.1 (1.39) to v0.2 (1.40).
static const char* version(void) {
  if (envoy_dynamic_module_callback_network_filter_start_downstream_secure_transport != NULL) {
    return "v0.2.0";
  }
  return ENVOY_DYNAMIC_MODULES_ABI_VERSION;
}

envoy_dynamic_module_type_abi_version_module_ptr envoy_dynamic_module_on_program_init(void) {
  return meltemiProgramInit() ? version() : NULL;
}
