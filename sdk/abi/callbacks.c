// The calls that Go makes into Envoy, each from a place where none of Envoy's
// buffers is held.

#include "meltemi.h"

static envoy_dynamic_module_type_module_buffer view(const char* bytes, size_t length) {
  envoy_dynamic_module_type_module_buffer b = {bytes, length};
  return b;
}

void meltemi_log(int level, const char* text, size_t length) {
  envoy_dynamic_module_callback_log((envoy_dynamic_module_type_log_level)level, view(text, length));
}

bool meltemi_log_enabled(int level) {
  return envoy_dynamic_module_callback_log_enabled((envoy_dynamic_module_type_log_level)level);
}

// Returns the id that Envoy gave to the metric, 0 if it refused.
size_t meltemi_define(void* config, const char* name, size_t length, bool gauge) {
  size_t id = 0;
  envoy_dynamic_module_type_metrics_result result =
      gauge ? envoy_dynamic_module_callback_network_filter_config_define_gauge(
                  config, view(name, length), &id)
            : envoy_dynamic_module_callback_network_filter_config_define_counter(
                  config, view(name, length), &id);
  return result == envoy_dynamic_module_type_metrics_result_Success ? id : 0;
}

void* meltemi_scheduler_new(void* network) {
  return envoy_dynamic_module_callback_network_filter_scheduler_new(network);
}

void meltemi_scheduler_commit(void* scheduler, uint64_t event) {
  envoy_dynamic_module_callback_network_filter_scheduler_commit(scheduler, event);
}

void meltemi_scheduler_delete(void* scheduler) {
  envoy_dynamic_module_callback_network_filter_scheduler_delete(scheduler);
}

void* meltemi_config_scheduler_new(void* config) {
  return envoy_dynamic_module_callback_network_filter_config_scheduler_new(config);
}

void meltemi_config_scheduler_commit(void* scheduler) {
  envoy_dynamic_module_callback_network_filter_config_scheduler_commit(scheduler, 0);
}

void meltemi_config_scheduler_delete(void* scheduler) {
  envoy_dynamic_module_callback_network_filter_config_scheduler_delete(scheduler);
}

void meltemi_config_set_gauge(void* config, size_t id, uint64_t value) {
  envoy_dynamic_module_callback_network_filter_config_set_gauge(config, id, value);
}
