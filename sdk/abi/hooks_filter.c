// The HTTP filter: filters in Go, before the router or on the way to a host. The
// hooks that are without work for us are in hooks_http.c.

#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"
#include "meltemi.h"

typedef envoy_dynamic_module_type_http_filter_envoy_ptr filter_envoy;
typedef envoy_dynamic_module_type_http_filter_module_ptr filter_module;
typedef envoy_dynamic_module_type_http_filter_config_envoy_ptr config_envoy;
typedef envoy_dynamic_module_type_http_filter_config_module_ptr config_module;
typedef envoy_dynamic_module_type_envoy_buffer buffer;
typedef envoy_dynamic_module_type_module_buffer text;
typedef envoy_dynamic_module_type_http_header_type header_type;
typedef envoy_dynamic_module_type_http_body_type body_type;

static const header_type request_header = envoy_dynamic_module_type_http_header_type_RequestHeader;
static const header_type response_header =
    envoy_dynamic_module_type_http_header_type_ResponseHeader;

// More headers than this are rare; they are fetched into memory of their own.
enum { STACK_HEADERS = 64 };

typedef struct {
  meltemi_header few[STACK_HEADERS];
  meltemi_header* list;
  size_t length;
} headers;

static void headers_get(headers* h, filter_envoy envoy, header_type type) {
  h->list = h->few;
  h->length = envoy_dynamic_module_callback_http_get_headers_size(envoy, type);
  if (h->length > STACK_HEADERS) {
    h->list = malloc(h->length * sizeof *h->list);
    if (h->list == NULL) {
      abort();
    }
  }
  if (h->length > 0) {
    envoy_dynamic_module_callback_http_get_headers(envoy, type, h->list);
  }
}

static void headers_free(headers* h) {
  if (h->list != h->few) {
    free(h->list);
  }
}

config_module envoy_dynamic_module_on_http_filter_config_new(config_envoy envoy, buffer name,
                                                             buffer config) {
  return (config_module)(uintptr_t)meltemiFilterConfigNew(
      envoy, (char*)name.ptr, name.length, (char*)config.ptr, config.length,
      envoy_dynamic_module_callback_get_concurrency());
}

void envoy_dynamic_module_on_http_filter_config_destroy(config_module config) {
  meltemiFilterConfigDestroy((uint64_t)(uintptr_t)config);
}

envoy_dynamic_module_type_http_filter_per_route_config_module_ptr
envoy_dynamic_module_on_http_filter_per_route_config_new(buffer name, buffer config) {
  return (envoy_dynamic_module_type_http_filter_per_route_config_module_ptr)(uintptr_t)
      meltemiFilterRouteNew((char*)name.ptr, name.length, (char*)config.ptr, config.length);
}

void envoy_dynamic_module_on_http_filter_per_route_config_destroy(
    envoy_dynamic_module_type_http_filter_per_route_config_module_ptr config) {
  meltemiFilterRouteDestroy((uint64_t)(uintptr_t)config);
}

filter_module envoy_dynamic_module_on_http_filter_new(config_module config, filter_envoy envoy) {
  meltemi_filter* f = calloc(1, sizeof *f);
  if (f != NULL) {
    f->config = (uint64_t)(uintptr_t)config;
    f->envoy = envoy;
  }
  return f;
}

// Resets the gRPC call that Go waits for no more. Envoy says so to its hook, within.
static void cancel_grpc(filter_envoy envoy, meltemi_filter* f) {
  uint64_t id = f->grpc;
  f->grpc = 0;
  if (id != 0) {
    envoy_dynamic_module_callback_http_filter_reset_http_stream(envoy, id);
  }
}

// What carrying out an output leaves to be done with the message at hand.
typedef enum { GO_ON, STAY, OVER } outcome;

// Carries out what Go wants. An answer or a reset may end the request at once, so each
// step looks whether it was destroyed meanwhile; after OVER the object may be gone.
static outcome carry_out(filter_envoy envoy, meltemi_filter* f, const meltemi_filter_output* out) {
  if (out->action != MELTEMI_FILTER_NOTHING) {
    cancel_grpc(envoy, f);
  }
  switch (out->action) {
    case MELTEMI_FILTER_PROCEED: {
      header_type type = out->response ? response_header : request_header;
      for (size_t i = 0; i < out->headers_length; i++) {
        const envoy_dynamic_module_type_module_http_header* h = &out->headers[i];
        text key = {h->key_ptr, h->key_length}, value = {h->value_ptr, h->value_length};
        envoy_dynamic_module_callback_http_set_header(envoy, type, key, value);
      }
      if (out->reroute) {
        envoy_dynamic_module_callback_http_clear_route_cache(envoy);
      }
      return GO_ON;
    }
    case MELTEMI_FILTER_CALLOUT: {
      text cluster = {out->text, out->text_length}, body = {out->body, out->body_length};
      f->callout = 0;
      if (envoy_dynamic_module_callback_http_filter_http_callout(
              envoy, &f->callout, cluster, out->headers, out->headers_length, body,
              out->timeout_ms) != envoy_dynamic_module_type_http_callout_init_result_Success) {
        f->callout = 0;
        meltemiFilterNotSent(meltemi_worker(), f->handle);
      }
      return STAY;
    }
    case MELTEMI_FILTER_GRPC: {
      text cluster = {out->text, out->text_length}, body = {out->body, out->body_length};
      uint64_t id = 0;
      // What its hooks are told before there is an id is not heard: then it has failed.
      // Envoy's own limit is off, for Go has one.
      if (envoy_dynamic_module_callback_http_filter_start_http_stream(
              envoy, &id, cluster, out->headers, out->headers_length, body, true, 0) ==
          envoy_dynamic_module_type_http_callout_init_result_Success) {
        f->grpc = id;
      } else {
        meltemiFilterNotSent(meltemi_worker(), f->handle);
      }
      return STAY;
    }
    case MELTEMI_FILTER_COLLECT:
    case MELTEMI_FILTER_HOLD:
      return STAY;
    case MELTEMI_FILTER_NOTHING:
      return GO_ON;
  }

  bool destroyed = false;
  bool* outer = f->destroyed;
  f->destroyed = &destroyed;
  f->request = f->response = MELTEMI_MESSAGE_ENDED;
  text body = {out->body, out->body_length}, details = {out->text, out->text_length};
  switch (out->action) {
    case MELTEMI_FILTER_REPLY:
      envoy_dynamic_module_callback_http_send_response(envoy, out->status, out->headers,
                                                       out->headers_length, body, details);
      break;
    case MELTEMI_FILTER_ANSWER: {
      envoy_dynamic_module_callback_http_send_response_headers(envoy, out->headers,
                                                               out->headers_length, false);
      if (!destroyed) {
        envoy_dynamic_module_callback_http_send_response_data(envoy, body, false);
      }
      if (!destroyed) {
        envoy_dynamic_module_callback_http_send_response_trailers(envoy, out->trailers,
                                                                  out->trailers_length);
      }
      break;
    }
    default: {
      text why = {"meltemi_filter_reset", sizeof "meltemi_filter_reset" - 1};
      envoy_dynamic_module_callback_http_filter_reset_stream(
          envoy, envoy_dynamic_module_type_http_filter_stream_reset_reason_LocalReset, why);
    }
  }
  if (!destroyed) {
    f->destroyed = outer;
  } else if (outer != NULL) {
    *outer = true;
  }
  return OVER;
}

// How the message of one direction stands after an output.
static uint32_t state_after(const meltemi_filter_output* out, outcome o) {
  if (o == GO_ON) {
    return MELTEMI_MESSAGE_PASSES;
  }
  return out->action == MELTEMI_FILTER_COLLECT ? MELTEMI_MESSAGE_COLLECTS : MELTEMI_MESSAGE_WAITS;
}

// Whether the request is an RPC at all. Go knows which; other requests do not cross.
static bool is_rpc(filter_envoy envoy) {
  static const char type[] = "application/grpc+";
  text key = {"content-type", sizeof "content-type" - 1};
  buffer value = {NULL, 0};
  return envoy_dynamic_module_callback_http_get_header(envoy, request_header, key, &value, 0,
                                                       NULL) &&
         value.length >= sizeof type - 1 && memcmp(value.ptr, type, sizeof type - 1) == 0;
}

// A message that is collected must fit into Envoy's buffer.
static void make_room(filter_envoy envoy, uint64_t room) {
  if (envoy_dynamic_module_callback_http_get_buffer_limit(envoy) < room) {
    envoy_dynamic_module_callback_http_set_buffer_limit(envoy, room);
  }
}

envoy_dynamic_module_type_on_http_filter_request_headers_status
envoy_dynamic_module_on_http_filter_request_headers(filter_envoy envoy, filter_module module,
                                                    bool end) {
  meltemi_filter* f = (meltemi_filter*)module;
  if (!is_rpc(envoy)) {
    return envoy_dynamic_module_type_on_http_filter_request_headers_status_Continue;
  }
  headers h;
  headers_get(&h, envoy, request_header);
  meltemi_filter_output out = {.arena = meltemi_arena_take()};
  f->handle =
      meltemiFilterBegin(meltemi_worker(), f->config, envoy, h.list, h.length, end, &out);
  headers_free(&h);
  outcome o = carry_out(envoy, f, &out);
  meltemi_arena_give(out.arena);
  if (o == OVER) {
    return envoy_dynamic_module_type_on_http_filter_request_headers_status_StopIteration;
  }
  f->request = state_after(&out, o);
  switch (f->request) {
    case MELTEMI_MESSAGE_COLLECTS:
      make_room(envoy, out.room);
      return envoy_dynamic_module_type_on_http_filter_request_headers_status_StopIteration;
    case MELTEMI_MESSAGE_WAITS:
      return envoy_dynamic_module_type_on_http_filter_request_headers_status_StopAllIterationAndWatermark;
    default:
      return envoy_dynamic_module_type_on_http_filter_request_headers_status_Continue;
  }
}

// Hands a collected message to Go: what Envoy has buffered, and what has just come, which
// may be the buffer itself.
static outcome collected(filter_envoy envoy, meltemi_filter* f, body_type buffered,
                         body_type received, bool is_buffered, bool part, uint32_t* state) {
  size_t before = is_buffered
                      ? 0
                      : envoy_dynamic_module_callback_http_get_body_chunks_size(envoy, buffered);
  size_t now = envoy_dynamic_module_callback_http_get_body_chunks_size(envoy, received);
  meltemi_chunks chunks;
  meltemi_chunks_init(&chunks, before + now);
  if (before > 0) {
    envoy_dynamic_module_callback_http_get_body_chunks(envoy, buffered, chunks.list);
  }
  if (now > 0) {
    envoy_dynamic_module_callback_http_get_body_chunks(envoy, received, chunks.list + before);
  }
  meltemi_filter_output out = {.arena = meltemi_arena_take()};
  meltemiFilterMessage(meltemi_worker(), f->handle, chunks.list, chunks.length, part, &out);
  meltemi_chunks_free(&chunks);
  outcome o = carry_out(envoy, f, &out);
  meltemi_arena_give(out.arena);
  if (o != OVER) {
    *state = state_after(&out, o);
  }
  return o;
}

static outcome collected_request(filter_envoy envoy, meltemi_filter* f) {
  return collected(envoy, f, envoy_dynamic_module_type_http_body_type_BufferedRequestBody,
                   envoy_dynamic_module_type_http_body_type_ReceivedRequestBody,
                   envoy_dynamic_module_callback_http_received_buffered_request_body(envoy), false,
                   &f->request);
}

static outcome collected_response(filter_envoy envoy, meltemi_filter* f, bool part) {
  return collected(envoy, f, envoy_dynamic_module_type_http_body_type_BufferedResponseBody,
                   envoy_dynamic_module_type_http_body_type_ReceivedResponseBody,
                   envoy_dynamic_module_callback_http_received_buffered_response_body(envoy), part,
                   &f->response);
}

envoy_dynamic_module_type_on_http_filter_request_body_status
envoy_dynamic_module_on_http_filter_request_body(filter_envoy envoy, filter_module module,
                                                 bool end) {
  meltemi_filter* f = (meltemi_filter*)module;
  if (f->handle != 0) {
    f->request_bytes += envoy_dynamic_module_callback_http_get_body_size(
        envoy, envoy_dynamic_module_type_http_body_type_ReceivedRequestBody);
  }
  switch (f->request) {
    case MELTEMI_MESSAGE_COLLECTS:
      if (!end) {
        return envoy_dynamic_module_type_on_http_filter_request_body_status_StopIterationAndBuffer;
      }
      switch (collected_request(envoy, f)) {
        case GO_ON:
          return envoy_dynamic_module_type_on_http_filter_request_body_status_Continue;
        case STAY:
          return envoy_dynamic_module_type_on_http_filter_request_body_status_StopIterationAndBuffer;
        case OVER:
          break;
      }
      return envoy_dynamic_module_type_on_http_filter_request_body_status_StopIterationNoBuffer;
    case MELTEMI_MESSAGE_WAITS:
      return envoy_dynamic_module_type_on_http_filter_request_body_status_StopIterationAndBuffer;
    case MELTEMI_MESSAGE_ENDED:
      return envoy_dynamic_module_type_on_http_filter_request_body_status_StopIterationNoBuffer;
    default:
      return envoy_dynamic_module_type_on_http_filter_request_body_status_Continue;
  }
}

envoy_dynamic_module_type_on_http_filter_request_trailers_status
envoy_dynamic_module_on_http_filter_request_trailers(filter_envoy envoy, filter_module module) {
  meltemi_filter* f = (meltemi_filter*)module;
  bool passes = f->request == MELTEMI_MESSAGE_PASSES;
  if (f->request == MELTEMI_MESSAGE_COLLECTS) {
    passes = collected_request(envoy, f) == GO_ON;
  }
  return passes ? envoy_dynamic_module_type_on_http_filter_request_trailers_status_Continue
                : envoy_dynamic_module_type_on_http_filter_request_trailers_status_StopIteration;
}

envoy_dynamic_module_type_on_http_filter_response_headers_status
envoy_dynamic_module_on_http_filter_response_headers(filter_envoy envoy, filter_module module,
                                                     bool end) {
  meltemi_filter* f = (meltemi_filter*)module;
  if (f->handle == 0) {
    return envoy_dynamic_module_type_on_http_filter_response_headers_status_Continue;
  }
  if (f->request != MELTEMI_MESSAGE_PASSES) {
    // Somebody else has answered a request that is held here. It goes no further.
    f->request = MELTEMI_MESSAGE_ENDED;
  }
  headers h;
  headers_get(&h, envoy, response_header);
  meltemi_filter_output out = {.arena = meltemi_arena_take()};
  meltemiFilterResponse(meltemi_worker(), f->handle, h.list, h.length, end, &out);
  headers_free(&h);
  f->answered = true;
  f->open = out.open;
  outcome o = carry_out(envoy, f, &out);
  meltemi_arena_give(out.arena);
  if (o == OVER) {
    return envoy_dynamic_module_type_on_http_filter_response_headers_status_StopIteration;
  }
  f->response = state_after(&out, o);
  switch (f->response) {
    case MELTEMI_MESSAGE_COLLECTS:
      make_room(envoy, out.room);
      return envoy_dynamic_module_type_on_http_filter_response_headers_status_StopIteration;
    case MELTEMI_MESSAGE_WAITS:
      return envoy_dynamic_module_type_on_http_filter_response_headers_status_StopAllIterationAndWatermark;
    default:
      return envoy_dynamic_module_type_on_http_filter_response_headers_status_Continue;
  }
}

envoy_dynamic_module_type_on_http_filter_response_body_status
envoy_dynamic_module_on_http_filter_response_body(filter_envoy envoy, filter_module module,
                                                  bool end) {
  meltemi_filter* f = (meltemi_filter*)module;
  if (f->handle != 0) {
    f->response_bytes += envoy_dynamic_module_callback_http_get_body_size(
        envoy, envoy_dynamic_module_type_http_body_type_ReceivedResponseBody);
  }
  switch (f->response) {
    case MELTEMI_MESSAGE_COLLECTS:
      if (!end && !f->open) {
        return envoy_dynamic_module_type_on_http_filter_response_body_status_StopIterationAndBuffer;
      }
      switch (collected_response(envoy, f, !end)) {
        case GO_ON:
          return envoy_dynamic_module_type_on_http_filter_response_body_status_Continue;
        case STAY:
          return envoy_dynamic_module_type_on_http_filter_response_body_status_StopIterationAndBuffer;
        case OVER:
          break;
      }
      return envoy_dynamic_module_type_on_http_filter_response_body_status_StopIterationNoBuffer;
    case MELTEMI_MESSAGE_WAITS:
      return envoy_dynamic_module_type_on_http_filter_response_body_status_StopIterationAndBuffer;
    case MELTEMI_MESSAGE_ENDED:
      return envoy_dynamic_module_type_on_http_filter_response_body_status_StopIterationNoBuffer;
    default:
      return envoy_dynamic_module_type_on_http_filter_response_body_status_Continue;
  }
}

envoy_dynamic_module_type_on_http_filter_response_trailers_status
envoy_dynamic_module_on_http_filter_response_trailers(filter_envoy envoy, filter_module module) {
  meltemi_filter* f = (meltemi_filter*)module;
  bool passes = f->response == MELTEMI_MESSAGE_PASSES;
  if (f->response == MELTEMI_MESSAGE_COLLECTS) {
    passes = collected_response(envoy, f, false) == GO_ON;
  }
  return passes ? envoy_dynamic_module_type_on_http_filter_response_trailers_status_Continue
                : envoy_dynamic_module_type_on_http_filter_response_trailers_status_StopIteration;
}

void meltemi_filter_resume(void* envoy, meltemi_filter* f, meltemi_filter_output* out) {
  outcome o = carry_out(envoy, f, out);
  if (o == GO_ON && out->action == MELTEMI_FILTER_PROCEED) {
    // Last, since Envoy goes on with the request, maybe to its end.
    if (out->response) {
      f->response = MELTEMI_MESSAGE_PASSES;
      envoy_dynamic_module_callback_http_filter_continue_encoding(envoy);
    } else {
      f->request = MELTEMI_MESSAGE_PASSES;
      envoy_dynamic_module_callback_http_filter_continue_decoding(envoy);
    }
  }
  meltemi_arena_give(out->arena);
}

void envoy_dynamic_module_on_http_filter_scheduled(filter_envoy envoy, filter_module module,
                                                   uint64_t event) {
  meltemi_filter* f = (meltemi_filter*)module;
  if (f->handle == 0) {
    return;
  }
  meltemi_filter_output out = {.arena = meltemi_arena_take()};
  meltemiFilterWoken(meltemi_worker(), f->handle, event, &out);
  meltemi_filter_resume(envoy, f, &out);
}

void envoy_dynamic_module_on_http_filter_http_callout_done(
    filter_envoy envoy, filter_module module, uint64_t id,
    envoy_dynamic_module_type_http_callout_result result, meltemi_header* list, size_t length,
    buffer* body, size_t body_length) {
  meltemi_filter* f = (meltemi_filter*)module;
  if (f->handle == 0 || f->callout != id) {
    return;  // nobody waits for it: the call was answered meanwhile
  }
  f->callout = 0;
  meltemi_filter_output out = {.arena = meltemi_arena_take()};
  meltemiFilterCalledOut(meltemi_worker(), f->handle,
                         result == envoy_dynamic_module_type_http_callout_result_Success, list,
                         length, body, body_length, &out);
  meltemi_filter_resume(envoy, f, &out);
}

// Tells Go that the request is over, once.
static void end_call(filter_envoy envoy, meltemi_filter* f) {
  if (f->handle == 0) {
    return;
  }
  headers h = {.list = h.few};
  if (!f->answered) {
    headers_get(&h, envoy, response_header);
  }
  meltemi_filter_end end = {.request_bytes = f->request_bytes, .response_bytes = f->response_bytes};
  envoy_dynamic_module_callback_http_filter_get_attribute_string(
      envoy, envoy_dynamic_module_type_attribute_id_UpstreamAddress, &end.upstream);
  envoy_dynamic_module_callback_http_filter_get_attribute_string(
      envoy, envoy_dynamic_module_type_attribute_id_ResponseCodeDetails, &end.details);
  envoy_dynamic_module_callback_http_filter_get_attribute_int(
      envoy, envoy_dynamic_module_type_attribute_id_ResponseFlags, &end.flags);
  uint64_t handle = f->handle;
  f->handle = 0;
  meltemiFilterEnd(meltemi_worker(), handle, h.list, h.length, &end);
  headers_free(&h);
}

void envoy_dynamic_module_on_http_filter_stream_complete(filter_envoy envoy, filter_module module) {
  end_call(envoy, (meltemi_filter*)module);
}

// Upstream filters, and requests that Envoy begins again, are not told that they are
// complete.
void envoy_dynamic_module_on_http_filter_destroy(filter_module module) {
  meltemi_filter* f = (meltemi_filter*)module;
  end_call(f->envoy, f);
  if (f->destroyed != NULL) {
    *f->destroyed = true;
  }
  free(f);
}
