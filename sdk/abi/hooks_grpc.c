// The answers to the gRPC calls that filters make (hooks_filter.c begins them), as streams
// of Envoy's client: it hands over trailers, which it does not for a callout.

#include "_cgo_export.h"
#include "meltemi.h"

typedef envoy_dynamic_module_type_http_filter_envoy_ptr filter_envoy;
typedef envoy_dynamic_module_type_http_filter_module_ptr filter_module;

// Whether Go waits for this stream. Others were given up, and Envoy is telling of that.
static bool is_awaited(const meltemi_filter* f, uint64_t id) {
  return f->handle != 0 && f->grpc != 0 && f->grpc == id;
}

void envoy_dynamic_module_on_http_filter_http_stream_headers(filter_envoy envoy,
                                                             filter_module module, uint64_t id,
                                                             meltemi_header* list, size_t length,
                                                             bool end) {
  meltemi_filter* f = (meltemi_filter*)module;
  (void)envoy;
  if (is_awaited(f, id)) {
    meltemiFilterGRPCHeaders(meltemi_worker(), f->handle, list, length, end);
  }
}

void envoy_dynamic_module_on_http_filter_http_stream_data(filter_envoy envoy, filter_module module,
                                                          uint64_t id, const meltemi_buffer* chunks,
                                                          size_t length, bool end) {
  meltemi_filter* f = (meltemi_filter*)module;
  (void)end;
  if (!is_awaited(f, id)) {
    return;
  }
  meltemi_filter_output out = {.arena = meltemi_arena_take()};
  meltemiFilterGRPCData(meltemi_worker(), f->handle, (meltemi_buffer*)chunks, length, &out);
  meltemi_filter_resume(envoy, f, &out);
}

void envoy_dynamic_module_on_http_filter_http_stream_trailers(filter_envoy envoy,
                                                              filter_module module, uint64_t id,
                                                              meltemi_header* list,
                                                              size_t length) {
  meltemi_filter* f = (meltemi_filter*)module;
  (void)envoy;
  if (is_awaited(f, id)) {
    meltemiFilterGRPCTrailers(meltemi_worker(), f->handle, list, length);
  }
}

// Nothing comes of the stream any more: Envoy forgets its id.
static void done(filter_envoy envoy, meltemi_filter* f, uint64_t id, bool ok) {
  if (!is_awaited(f, id)) {
    return;
  }
  f->grpc = 0;
  meltemi_filter_output out = {.arena = meltemi_arena_take()};
  meltemiFilterGRPCDone(meltemi_worker(), f->handle, ok, &out);
  meltemi_filter_resume(envoy, f, &out);
}

void envoy_dynamic_module_on_http_filter_http_stream_complete(filter_envoy envoy,
                                                              filter_module module, uint64_t id) {
  done(envoy, (meltemi_filter*)module, id, true);
}

void envoy_dynamic_module_on_http_filter_http_stream_reset(
    filter_envoy envoy, filter_module module, uint64_t id,
    envoy_dynamic_module_type_http_stream_reset_reason reason) {
  (void)reason;
  done(envoy, (meltemi_filter*)module, id, false);
}
