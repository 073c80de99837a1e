// The listener filter: tells Envoy's filter chain match that RPC is HTTP/2, since
// that is what the network filter will make of it.

#include "_cgo_export.h"
#include "meltemi.h"

typedef envoy_dynamic_module_type_listener_filter_envoy_ptr listener_envoy;
typedef envoy_dynamic_module_type_listener_filter_module_ptr listener_module;
typedef envoy_dynamic_module_type_listener_filter_config_envoy_ptr config_envoy;
typedef envoy_dynamic_module_type_listener_filter_config_module_ptr config_module;
typedef envoy_dynamic_module_type_on_listener_filter_status filter_status;

static const filter_status proceed = envoy_dynamic_module_type_on_listener_filter_status_Continue;
static const filter_status wait = envoy_dynamic_module_type_on_listener_filter_status_StopIteration;

config_module envoy_dynamic_module_on_listener_filter_config_new(
    config_envoy envoy, envoy_dynamic_module_type_envoy_buffer name,
    envoy_dynamic_module_type_envoy_buffer text) {
  (void)envoy, (void)text;
  return (config_module)(uintptr_t)meltemiListenerConfigNew((char*)name.ptr, name.length);
}

void envoy_dynamic_module_on_listener_filter_config_destroy(config_module config) {
  meltemiConfigDestroy((uint64_t)(uintptr_t)config);
}

// The filter keeps nothing of a connection, so its configuration stands for it.
listener_module envoy_dynamic_module_on_listener_filter_new(config_module config,
                                                            listener_envoy envoy) {
  (void)envoy;
  return config;
}

static void say(listener_envoy envoy, int protocol) {
  static const char* const names[] = {"h2c", "http/1.1"};
  static const size_t lengths[] = {3, 8};
  envoy_dynamic_module_type_module_buffer b = {names[protocol], lengths[protocol]};
  envoy_dynamic_module_callback_listener_filter_set_requested_application_protocols(envoy, &b, 1);
}

filter_status envoy_dynamic_module_on_listener_filter_on_accept(listener_envoy envoy,
                                                                listener_module module) {
  if (meltemiListenerPeek((uint64_t)(uintptr_t)module) > 0) {
    return wait;
  }
  say(envoy, MELTEMI_PROTOCOL_HTTP2);
  return proceed;
}

filter_status envoy_dynamic_module_on_listener_filter_on_data(listener_envoy envoy,
                                                              listener_module module,
                                                              size_t data_length) {
  (void)module, (void)data_length;
  envoy_dynamic_module_type_envoy_buffer chunk = {NULL, 0};
  envoy_dynamic_module_callback_listener_filter_get_buffer_chunk(envoy, &chunk);
  int protocol = meltemiListenerSniff((char*)chunk.ptr, chunk.length);
  if (protocol == MELTEMI_PROTOCOL_UNDECIDED) {
    return wait;
  }
  say(envoy, protocol);
  return proceed;
}

size_t envoy_dynamic_module_on_listener_filter_get_max_read_bytes(listener_envoy envoy,
                                                                  listener_module module) {
  (void)envoy;
  return meltemiListenerPeek((uint64_t)(uintptr_t)module);
}

// Part of the interface, and without work for us.

void envoy_dynamic_module_on_listener_filter_on_close(listener_envoy envoy,
                                                      listener_module module) {
  (void)envoy, (void)module;
}

void envoy_dynamic_module_on_listener_filter_destroy(listener_module module) { (void)module; }

void envoy_dynamic_module_on_listener_filter_scheduled(listener_envoy envoy, listener_module module,
                                                       uint64_t event) {
  (void)envoy, (void)module, (void)event;
}

void envoy_dynamic_module_on_listener_filter_config_scheduled(config_envoy envoy,
                                                              config_module config,
                                                              uint64_t event) {
  (void)envoy, (void)config, (void)event;
}

void envoy_dynamic_module_on_listener_filter_http_callout_done(
    listener_envoy envoy, listener_module module, uint64_t id,
    envoy_dynamic_module_type_http_callout_result result,
    envoy_dynamic_module_type_envoy_http_header* headers, size_t headers_size,
    envoy_dynamic_module_type_envoy_buffer* body, size_t body_size) {
  (void)envoy, (void)module, (void)id, (void)result;
  (void)headers, (void)headers_size, (void)body, (void)body_size;
}
