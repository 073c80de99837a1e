#include "_cgo_export.h"
#include "meltemi.h"

static __thread uint32_t worker;

uint32_t meltemi_worker(void) {
  if (worker == 0) {
    worker = meltemiWorkerNew();
  }
  return worker;
}

envoy_dynamic_module_type_abi_version_module_ptr envoy_dynamic_module_on_program_init(void) {
  return meltemiProgramInit() ? ENVOY_DYNAMIC_MODULES_ABI_VERSION : NULL;
}
