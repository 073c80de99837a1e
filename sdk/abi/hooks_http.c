// The hooks of the HTTP filter's interface that are without work for us. Envoy looks all
// of them up before it loads a filter (hooks_filter.c).

#include "_cgo_export.h"
#include "meltemi.h"

typedef envoy_dynamic_module_type_http_filter_envoy_ptr filter_envoy;
typedef envoy_dynamic_module_type_http_filter_module_ptr filter_module;
typedef envoy_dynamic_module_type_http_filter_config_envoy_ptr config_envoy;
typedef envoy_dynamic_module_type_http_filter_config_module_ptr config_module;
typedef envoy_dynamic_module_type_envoy_http_header header;
typedef envoy_dynamic_module_type_envoy_buffer buffer;

void envoy_dynamic_module_on_http_filter_config_scheduled(config_envoy filter_config_envoy_ptr,
                                                          config_module filter_config_ptr,
                                                          uint64_t event_id) {
  (void)filter_config_envoy_ptr, (void)filter_config_ptr, (void)event_id;
}

void envoy_dynamic_module_on_http_filter_config_http_callout_done(
    config_envoy filter_config_envoy_ptr, config_module filter_config_ptr, uint64_t callout_id,
    envoy_dynamic_module_type_http_callout_result result, header* headers, size_t headers_size,
    buffer* body_chunks, size_t body_chunks_size) {
  (void)filter_config_envoy_ptr, (void)filter_config_ptr, (void)callout_id, (void)result,
      (void)headers, (void)headers_size, (void)body_chunks, (void)body_chunks_size;
}

void envoy_dynamic_module_on_http_filter_config_http_stream_headers(
    config_envoy filter_config_envoy_ptr, config_module filter_config_ptr, uint64_t stream_id,
    header* headers, size_t headers_size, bool end_stream) {
  (void)filter_config_envoy_ptr, (void)filter_config_ptr, (void)stream_id, (void)headers,
      (void)headers_size, (void)end_stream;
}

void envoy_dynamic_module_on_http_filter_config_http_stream_data(
    config_envoy filter_config_envoy_ptr, config_module filter_config_ptr, uint64_t stream_id,
    const buffer* data, size_t data_count, bool end_stream) {
  (void)filter_config_envoy_ptr, (void)filter_config_ptr, (void)stream_id, (void)data,
      (void)data_count, (void)end_stream;
}

void envoy_dynamic_module_on_http_filter_config_http_stream_trailers(
    config_envoy filter_config_envoy_ptr, config_module filter_config_ptr, uint64_t stream_id,
    header* trailers, size_t trailers_size) {
  (void)filter_config_envoy_ptr, (void)filter_config_ptr, (void)stream_id, (void)trailers,
      (void)trailers_size;
}

void envoy_dynamic_module_on_http_filter_config_http_stream_complete(
    config_envoy filter_config_envoy_ptr, config_module filter_config_ptr, uint64_t stream_id) {
  (void)filter_config_envoy_ptr, (void)filter_config_ptr, (void)stream_id;
}

void envoy_dynamic_module_on_http_filter_config_http_stream_reset(
    config_envoy filter_config_envoy_ptr, config_module filter_config_ptr, uint64_t stream_id,
    envoy_dynamic_module_type_http_stream_reset_reason reason) {
  (void)filter_config_envoy_ptr, (void)filter_config_ptr, (void)stream_id, (void)reason;
}

void envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark(
    filter_envoy filter_envoy_ptr, filter_module filter_module_ptr) {
  (void)filter_envoy_ptr, (void)filter_module_ptr;
}

void envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark(
    filter_envoy filter_envoy_ptr, filter_module filter_module_ptr) {
  (void)filter_envoy_ptr, (void)filter_module_ptr;
}

envoy_dynamic_module_type_on_http_filter_local_reply_status
envoy_dynamic_module_on_http_filter_local_reply(filter_envoy filter_envoy_ptr,
                                                filter_module filter_module_ptr,
                                                uint32_t response_code, buffer details,
                                                bool reset_imminent) {
  (void)filter_envoy_ptr, (void)filter_module_ptr, (void)response_code, (void)details,
      (void)reset_imminent;
  return envoy_dynamic_module_type_on_http_filter_local_reply_status_Continue;
}
