// The bridge: the server's edge for clusters of any number of endpoints. One
// object is one HTTP request on one TCP connection.

#include <stdlib.h>

#include "_cgo_export.h"
#include "meltemi.h"

typedef envoy_dynamic_module_type_upstream_http_tcp_bridge_envoy_ptr bridge_envoy;
typedef envoy_dynamic_module_type_upstream_http_tcp_bridge_module_ptr bridge_module;
typedef envoy_dynamic_module_type_upstream_http_tcp_bridge_config_envoy_ptr config_envoy;
typedef envoy_dynamic_module_type_upstream_http_tcp_bridge_config_module_ptr config_module;

// More headers than this are rare; they are fetched into memory of their own.
enum { STACK_HEADERS = 64 };

config_module envoy_dynamic_module_on_upstream_http_tcp_bridge_config_new(
    config_envoy envoy, envoy_dynamic_module_type_envoy_buffer name,
    envoy_dynamic_module_type_envoy_buffer text) {
  (void)envoy;
  return (config_module)(uintptr_t)meltemiBridgeConfigNew((char*)name.ptr, name.length,
                                                          (char*)text.ptr, text.length);
}

void envoy_dynamic_module_on_upstream_http_tcp_bridge_config_destroy(config_module config) {
  meltemiConfigDestroy((uint64_t)(uintptr_t)config);
}

bridge_module envoy_dynamic_module_on_upstream_http_tcp_bridge_new(config_module config,
                                                                   bridge_envoy envoy) {
  meltemi_bridge* b = calloc(1, sizeof *b);
  if (b == NULL) {
    return NULL;
  }
  b->handle = meltemiBridgeOpen(meltemi_worker(), (uint64_t)(uintptr_t)config, envoy, b);
  if (b->handle == 0) {
    free(b);
    return NULL;
  }
  return b;
}

// Carries out what Go wants. Each part of a response may make the router destroy
// the bridge (it retries, or the response is complete), so each step looks first.
// A response with a body is never sent in one call: Envoy would go on with a
// destroyed object if the router retried on its headers.
static void carry_out(bridge_envoy envoy, meltemi_bridge* b, meltemi_bridge_output* out) {
  bool destroyed = false;
  bool* outer = b->destroyed;
  b->destroyed = &destroyed;

  if (out->to_server_length > 0) {
    envoy_dynamic_module_type_module_buffer data = {out->to_server, out->to_server_length};
    envoy_dynamic_module_callback_upstream_http_tcp_bridge_send_upstream_data(envoy, data, false);
  }
  if (out->status != 0 && !destroyed) {
    bool more = out->body_length > 0 || out->trailers_length > 0;
    envoy_dynamic_module_callback_upstream_http_tcp_bridge_send_response_headers(
        envoy, out->status, out->headers, out->headers_length, out->end && !more);
  }
  if (out->body_length > 0 && !destroyed) {
    envoy_dynamic_module_type_module_buffer body = {out->body, out->body_length};
    envoy_dynamic_module_callback_upstream_http_tcp_bridge_send_response_data(
        envoy, body, out->end && out->trailers_length == 0);
  }
  if (out->trailers_length > 0 && out->end && !destroyed) {
    envoy_dynamic_module_callback_upstream_http_tcp_bridge_send_response_trailers(
        envoy, out->trailers, out->trailers_length);
  }
  if (out->hang_up && !destroyed) {
    // The response was left open, so the connection is never used again, and the
    // half-close cannot swallow another request.
    envoy_dynamic_module_type_module_buffer nothing = {NULL, 0};
    envoy_dynamic_module_callback_upstream_http_tcp_bridge_send_upstream_data(envoy, nothing, true);
  }
  if (destroyed) {
    if (outer != NULL) {
      *outer = true;
    }
    return;
  }
  b->destroyed = outer;
}

void envoy_dynamic_module_on_upstream_http_tcp_bridge_encode_headers(bridge_envoy envoy,
                                                                     bridge_module module,
                                                                     bool end_of_stream) {
  meltemi_bridge* b = (meltemi_bridge*)module;
  meltemi_header stack[STACK_HEADERS], *headers = stack;
  size_t size =
      envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_headers_size(envoy);
  if (size > STACK_HEADERS) {
    headers = malloc(size * sizeof *headers);
    if (headers == NULL) {
      abort();
    }
  }
  envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_headers(envoy, headers);
  meltemi_bridge_output out = {.arena = meltemi_arena_take()};
  meltemiBridgeHeaders(meltemi_worker(), b->handle, headers, size, end_of_stream, &out);
  if (headers != stack) {
    free(headers);
  }
  carry_out(envoy, b, &out);
  meltemi_arena_give(out.arena);
}

void envoy_dynamic_module_on_upstream_http_tcp_bridge_encode_data(bridge_envoy envoy,
                                                                  bridge_module module,
                                                                  bool end_of_stream) {
  meltemi_bridge* b = (meltemi_bridge*)module;
  meltemi_chunks chunks;
  meltemi_chunks_init(
      &chunks,
      envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_buffer_chunks_size(envoy));
  envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_buffer(envoy, chunks.list,
                                                                            &chunks.length);
  meltemi_bridge_output out = {.arena = meltemi_arena_take()};
  meltemiBridgeData(meltemi_worker(), b->handle, chunks.list, chunks.length, end_of_stream, &out);
  meltemi_chunks_free(&chunks);
  carry_out(envoy, b, &out);
  meltemi_arena_give(out.arena);
}

void envoy_dynamic_module_on_upstream_http_tcp_bridge_encode_trailers(bridge_envoy envoy,
                                                                      bridge_module module) {
  meltemi_bridge* b = (meltemi_bridge*)module;
  meltemi_bridge_output out = {.arena = meltemi_arena_take()};
  meltemiBridgeTrailers(meltemi_worker(), b->handle, &out);
  carry_out(envoy, b, &out);
  meltemi_arena_give(out.arena);
}

void envoy_dynamic_module_on_upstream_http_tcp_bridge_on_upstream_data(bridge_envoy envoy,
                                                                       bridge_module module,
                                                                       bool end_of_stream) {
  meltemi_bridge* b = (meltemi_bridge*)module;
  meltemi_chunks chunks;
  meltemi_chunks_init(
      &chunks,
      envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_response_buffer_chunks_size(
          envoy));
  envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_response_buffer(envoy, chunks.list,
                                                                             &chunks.length);
  meltemi_bridge_output out = {.arena = meltemi_arena_take()};
  meltemiBridgeFromServer(meltemi_worker(), b->handle, chunks.list, chunks.length, end_of_stream,
                          &out);
  meltemi_chunks_free(&chunks);
  carry_out(envoy, b, &out);
  meltemi_arena_give(out.arena);
}

// Answers the requests that could not be answered while they were being encoded.
void meltemi_bridge_run_deferred(void) {
  for (;;) {
    void* envoy = NULL;
    void* bridge = NULL;
    meltemi_bridge_output out = {.arena = meltemi_arena_take()};
    bool some = meltemiBridgeDeferred(meltemi_worker(), &envoy, &bridge, &out);
    if (some) {
      carry_out(envoy, bridge, &out);
    }
    meltemi_arena_give(out.arena);
    if (!some) {
      return;
    }
  }
}

void envoy_dynamic_module_on_upstream_http_tcp_bridge_destroy(bridge_module module) {
  meltemi_bridge* b = (meltemi_bridge*)module;
  if (b->destroyed != NULL) {
    *b->destroyed = true;
  }
  meltemiBridgeClosed(meltemi_worker(), b->handle);
  free(b);
}
