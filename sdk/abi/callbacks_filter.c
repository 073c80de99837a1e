// The calls that Go makes into Envoy from the hooks of an HTTP filter. None of them
// makes Envoy call a hook.

#include "meltemi.h"

// Envoy's names for the kinds of metric, the operations and the attributes are those of
// package filter and of meltemi.h, in their order.
enum { COUNTER, GAUGE, HISTOGRAM };
enum { ADD, SUB, SET, RECORD };
enum { MAX_LABELS = 8 };

static envoy_dynamic_module_type_module_buffer view(const char* bytes, size_t length) {
  envoy_dynamic_module_type_module_buffer b = {bytes, length};
  return b;
}

static bool attribute(void* filter, envoy_dynamic_module_type_attribute_id id,
                      meltemi_buffer* result) {
  return envoy_dynamic_module_callback_http_filter_get_attribute_string(filter, id, result) &&
         result->length > 0;
}

bool meltemi_filter_attribute(void* filter, uint32_t which, meltemi_buffer* result) {
  switch (which) {
    case MELTEMI_ATTRIBUTE_SOURCE:
      return attribute(filter, envoy_dynamic_module_type_attribute_id_SourceAddress, result);
    case MELTEMI_ATTRIBUTE_DESTINATION:
      return attribute(filter, envoy_dynamic_module_type_attribute_id_DestinationAddress, result);
    case MELTEMI_ATTRIBUTE_PRINCIPAL:
      return attribute(filter,
                       envoy_dynamic_module_type_attribute_id_ConnectionUriSanPeerCertificate,
                       result) ||
             attribute(filter,
                       envoy_dynamic_module_type_attribute_id_ConnectionDnsSanPeerCertificate,
                       result) ||
             attribute(filter,
                       envoy_dynamic_module_type_attribute_id_ConnectionSubjectPeerCertificate,
                       result);
    case MELTEMI_ATTRIBUTE_ROUTE:
      return attribute(filter, envoy_dynamic_module_type_attribute_id_XdsRouteName, result);
    case MELTEMI_ATTRIBUTE_CLUSTER:
      return envoy_dynamic_module_callback_http_get_cluster_name(filter, result);
  }
  return false;
}

uint64_t meltemi_filter_route_config(void* filter) {
  return (uint64_t)(uintptr_t)envoy_dynamic_module_callback_get_most_specific_route_config(filter);
}

// Makes Envoy's list of the labels, of which there are at most MAX_LABELS.
static size_t list(envoy_dynamic_module_type_module_buffer* to, const char* labels,
                   const size_t* lengths, size_t count) {
  if (count > MAX_LABELS) {
    count = MAX_LABELS;
  }
  for (size_t i = 0; i < count; i++) {
    to[i] = view(labels, lengths[i]);
    labels += lengths[i];
  }
  return count;
}

size_t meltemi_filter_define(void* config, uint32_t kind, const char* name, size_t length,
                             const char* labels, const size_t* lengths, size_t count) {
  envoy_dynamic_module_type_module_buffer names[MAX_LABELS];
  count = list(names, labels, lengths, count);
  size_t id = 0;
  envoy_dynamic_module_type_metrics_result result;
  switch (kind) {
    case COUNTER:
      result = envoy_dynamic_module_callback_http_filter_config_define_counter(
          config, view(name, length), names, count, &id);
      break;
    case GAUGE:
      result = envoy_dynamic_module_callback_http_filter_config_define_gauge(
          config, view(name, length), names, count, &id);
      break;
    default:
      result = envoy_dynamic_module_callback_http_filter_config_define_histogram(
          config, view(name, length), names, count, &id);
  }
  return result == envoy_dynamic_module_type_metrics_result_Success ? id : 0;
}

void meltemi_filter_record(void* filter, size_t id, uint32_t kind, uint32_t operation,
                           uint64_t value, const char* labels, const size_t* lengths,
                           size_t count) {
  envoy_dynamic_module_type_module_buffer values[MAX_LABELS];
  count = list(values, labels, lengths, count);
  switch (kind) {
    case COUNTER:
      envoy_dynamic_module_callback_http_filter_increment_counter(filter, id, values, count, value);
      return;
    case HISTOGRAM:
      envoy_dynamic_module_callback_http_filter_record_histogram_value(filter, id, values, count,
                                                                       value);
      return;
  }
  switch (operation) {
    case ADD:
      envoy_dynamic_module_callback_http_filter_increment_gauge(filter, id, values, count, value);
      return;
    case SUB:
      envoy_dynamic_module_callback_http_filter_decrement_gauge(filter, id, values, count, value);
      return;
    case SET:
      envoy_dynamic_module_callback_http_filter_set_gauge(filter, id, values, count, value);
      return;
  }
}

void meltemi_filter_note_string(void* filter, const char* space, size_t space_length,
                                const char* key, size_t key_length, const char* value,
                                size_t value_length) {
  envoy_dynamic_module_callback_http_set_dynamic_metadata_string(
      filter, view(space, space_length), view(key, key_length), view(value, value_length));
}

void meltemi_filter_note_number(void* filter, const char* space, size_t space_length,
                                const char* key, size_t key_length, double value) {
  envoy_dynamic_module_callback_http_set_dynamic_metadata_number(filter, view(space, space_length),
                                                                 view(key, key_length), value);
}

void meltemi_filter_tag(void* filter, const char* key, size_t key_length, const char* value,
                        size_t value_length) {
  envoy_dynamic_module_type_span_envoy_ptr span =
      envoy_dynamic_module_callback_http_get_active_span(filter);
  if (span != NULL) {
    envoy_dynamic_module_callback_http_span_set_tag(span, view(key, key_length),
                                                    view(value, value_length));
  }
}

void* meltemi_filter_scheduler_new(void* filter) {
  return envoy_dynamic_module_callback_http_filter_scheduler_new(filter);
}

void meltemi_filter_scheduler_commit(void* scheduler, uint64_t event) {
  envoy_dynamic_module_callback_http_filter_scheduler_commit(scheduler, event);
}

void meltemi_filter_scheduler_delete(void* scheduler) {
  envoy_dynamic_module_callback_http_filter_scheduler_delete(scheduler);
}
