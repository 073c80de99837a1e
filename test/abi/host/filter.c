// HTTP filters in the host: one filter on each request, between a client and a router
// that are the commands. The manager of filters is Envoy's as far as one filter can see it,
// and ends the process where Envoy's would go on with what is not defined.
//
//   filter-config JSON     a configuration of the filter "probe"
//   route JSON             a route's, which all requests get from now on
//   route-destroy
//   filter ID              a request
//   request-headers ID END NAME=BYTES... / request-data ID END BYTES... / request-trailers ID
//   response-headers ID END NAME=BYTES... / response-data ID END BYTES... / response-trailers ID
//   called-out ID CALLOUT OK BYTES
//   grpc-headers ID STREAM END NAME=BYTES... / grpc-data ID STREAM BYTES...
//   grpc-trailers ID STREAM NAME=BYTES...
//   grpc-complete ID STREAM / grpc-reset ID STREAM
//   complete ID / destroy ID
//   destroy-at ID WHAT     the request is destroyed as soon as the filter does that, within
//                          the call: reply, answer-headers, answer-data, answer-trailers,
//                          reset, pass
//
// Events are: pass-headers ID WAY NAME=VALUE..., pass-data and pass-trailers for what goes
// on; and reply, answer-headers, answer-data, answer-trailers, reset, callout, grpc, grpc-body, grpc-cancel, reroute, tag,
// note for what the filter asks for.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include "host.h"

enum { MAX_STREAMS = 1 << 12, MAX_FIELDS = 256, MAX_EVENTS = 1 << 12, MAX_IDS = 256 };

typedef enum { FREE, SINGLE, ALL } hold;

// One direction of a request.
typedef struct {
  slice names[MAX_FIELDS], values[MAX_FIELDS];
  size_t fields;
  bool begun, passed;  // the headers are here; they have gone on
  hold held;
  bool in_hook;
  char* buffered;  // what the manager keeps
  size_t buffered_length;
  slice received[MAX_FIELDS];  // what a hook is given
  size_t received_length;
  bool received_is_buffered;
  bool ended, trailers;  // with what is here
} direction;

typedef struct {
  int id;
  bool open, over, completed;
  const void* module;
  direction way[2];
  uint64_t limit;
  uint64_t callouts;
  bool callout_open[MAX_IDS];
  bool grpc_open[MAX_IDS];
  char destroy_at[32];
} stream;

static stream streams[MAX_STREAMS];
static const char* const way_names[2] = {"request", "response"};

typedef envoy_dynamic_module_type_http_filter_envoy_ptr filter_envoy;
typedef envoy_dynamic_module_type_module_http_header field;

HOOK(const void*, http_filter_config_new, const void*, slice, slice);
HOOK(void, http_filter_config_destroy, const void*);
HOOK(const void*, http_filter_per_route_config_new, slice, slice);
HOOK(void, http_filter_per_route_config_destroy, const void*);
HOOK(const void*, http_filter_new, const void*, const void*);
HOOK(int, http_filter_request_headers, const void*, const void*, bool);
HOOK(int, http_filter_request_body, const void*, const void*, bool);
HOOK(int, http_filter_request_trailers, const void*, const void*);
HOOK(int, http_filter_response_headers, const void*, const void*, bool);
HOOK(int, http_filter_response_body, const void*, const void*, bool);
HOOK(int, http_filter_response_trailers, const void*, const void*);
HOOK(void, http_filter_scheduled, const void*, const void*, uint64_t);
HOOK(void, http_filter_http_callout_done, const void*, const void*, uint64_t, int,
     envoy_dynamic_module_type_envoy_http_header*, size_t, slice*, size_t);
HOOK(void, http_filter_http_stream_headers, const void*, const void*, uint64_t,
     envoy_dynamic_module_type_envoy_http_header*, size_t, bool);
HOOK(void, http_filter_http_stream_data, const void*, const void*, uint64_t, const slice*, size_t,
     bool);
HOOK(void, http_filter_http_stream_trailers, const void*, const void*, uint64_t,
     envoy_dynamic_module_type_envoy_http_header*, size_t);
HOOK(void, http_filter_http_stream_complete, const void*, const void*, uint64_t);
HOOK(void, http_filter_http_stream_reset, const void*, const void*, uint64_t, int);
HOOK(void, http_filter_stream_complete, const void*, const void*);
HOOK(void, http_filter_destroy, const void*);

void find_filter_hooks(void* library) {
  FIND(http_filter_config_new);
  FIND(http_filter_config_destroy);
  FIND(http_filter_per_route_config_new);
  FIND(http_filter_per_route_config_destroy);
  FIND(http_filter_new);
  FIND(http_filter_request_headers);
  FIND(http_filter_request_body);
  FIND(http_filter_request_trailers);
  FIND(http_filter_response_headers);
  FIND(http_filter_response_body);
  FIND(http_filter_response_trailers);
  FIND(http_filter_scheduled);
  FIND(http_filter_http_callout_done);
  FIND(http_filter_http_stream_headers);
  FIND(http_filter_http_stream_data);
  FIND(http_filter_http_stream_trailers);
  FIND(http_filter_http_stream_complete);
  FIND(http_filter_http_stream_reset);
  FIND(http_filter_stream_complete);
  FIND(http_filter_destroy);
}

// Everything but a scheduler's commit is for the worker, and for a request that is there.
static stream* alive(const void* envoy, const char* what) {
  stream* s = (stream*)envoy;
  if (!pthread_equal(pthread_self(), main_thread)) VIOLATION("%s beside the worker", what);
  if (!s->open) VIOLATION("%s of request %d, which is gone", what, s->id);
  return s;
}

static void destroy(stream* s) {
  if (!s->completed) {
    s->completed = true;
    http_filter_stream_complete(s, s->module);
  }
  http_filter_destroy(s->module);
  s->open = false;
  for (int w = 0; w < 2; w++) {
    direction* d = &s->way[w];
    release(d->names, d->fields);
    release(d->values, d->fields);
    free(d->buffered);
  }
}

static void maybe_destroy(stream* s, const char* what) {
  if (strcmp(s->destroy_at, what) == 0) destroy(s);
}

// What goes on to the next filter.

static void pass_headers(stream* s, int w) {
  direction* d = &s->way[w];
  if (d->passed) return;
  d->passed = true;
  printf("pass-headers %d %s", s->id, way_names[w]);
  for (size_t i = 0; i < d->fields; i++) {
    printf(" %.*s=%.*s", (int)d->names[i].length, d->names[i].ptr, (int)d->values[i].length,
           d->values[i].ptr);
  }
  fputc('\n', stdout);
}

static void pass_bytes(stream* s, int w, const char* p, size_t n) {
  printf("pass-data %d %s", s->id, way_names[w]);
  print_bytes(p, n);
  fputc('\n', stdout);
}

static void pass_buffered(stream* s, int w) {
  direction* d = &s->way[w];
  if (d->buffered_length > 0) pass_bytes(s, w, d->buffered, d->buffered_length);
  free(d->buffered);
  d->buffered = NULL;
  d->buffered_length = 0;
}

static void keep(stream* s, int w) {
  direction* d = &s->way[w];
  for (size_t i = 0; i < d->received_length; i++) {
    slice r = d->received[i];
    d->buffered = realloc(d->buffered, d->buffered_length + r.length + 1);
    memcpy(d->buffered + d->buffered_length, r.ptr, r.length);
    d->buffered_length += r.length;
  }
  if (d->buffered_length > s->limit) VIOLATION("the buffer of request %d is over its limit", s->id);
}

// Statuses of hooks of headers, bodies and trailers.
enum { CONTINUE = 0, STOP = 1, STOP_ALL_AND_WATERMARK = 4 };
enum { STOP_AND_BUFFER = 1, STOP_NO_BUFFER = 3 };

static void headers_hook(stream* s, int w) {
  direction* d = &s->way[w];
  d->in_hook = true;
  int status = w == 0 ? http_filter_request_headers(s, s->module, d->ended)
                      : http_filter_response_headers(s, s->module, d->ended);
  if (!s->open) return;
  d->in_hook = false;
  if (s->over) {
    if (status == CONTINUE) VIOLATION("request %d goes on after its end", s->id);
    return;
  }
  switch (status) {
    case CONTINUE:
      pass_headers(s, w);
      break;
    case STOP:
      if (d->ended) VIOLATION("request %d waits for a body that does not come", s->id);
      d->held = SINGLE;
      break;
    case STOP_ALL_AND_WATERMARK:
      d->held = ALL;
      break;
    default:
      VIOLATION("status %d of a headers hook", status);
  }
}

static void data_hook(stream* s, int w, bool end) {
  direction* d = &s->way[w];
  d->in_hook = true;
  int status = w == 0 ? http_filter_request_body(s, s->module, end)
                      : http_filter_response_body(s, s->module, end);
  if (!s->open) return;
  d->in_hook = false;
  if (s->over) {
    if (status == CONTINUE) VIOLATION("request %d goes on after its end", s->id);
    return;
  }
  switch (status) {
    case CONTINUE:
      d->held = FREE;
      pass_headers(s, w);
      if (!d->received_is_buffered) pass_buffered(s, w);
      for (size_t i = 0; i < d->received_length; i++) {
        pass_bytes(s, w, d->received[i].ptr, d->received[i].length);
      }
      break;
    case STOP_AND_BUFFER:
      if (!d->received_is_buffered) keep(s, w);
      if (d->held == FREE) d->held = SINGLE;
      break;
    case STOP_NO_BUFFER:
      break;
    default:
      VIOLATION("status %d of a body hook", status);
  }
}

static void trailers_hook(stream* s, int w) {
  direction* d = &s->way[w];
  d->in_hook = true;
  int status = w == 0 ? http_filter_request_trailers(s, s->module)
                      : http_filter_response_trailers(s, s->module);
  if (!s->open) return;
  d->in_hook = false;
  if (s->over) {
    if (status == CONTINUE) VIOLATION("request %d goes on after its end", s->id);
    return;
  }
  if (status == CONTINUE) {
    d->held = FREE;
    pass_headers(s, w);
    pass_buffered(s, w);
    printf("pass-trailers %d %s\n", s->id, way_names[w]);
  } else if (d->held == FREE) {
    d->held = SINGLE;
  }
}

// The filter lets go what it held, and Envoy goes on at once. A filter that held
// everything is given now what came meanwhile.
static void proceed(const void* envoy, int w) {
  stream* s = alive(envoy, "a continue");
  direction* d = &s->way[w];
  if (d->in_hook) VIOLATION("request %d goes on within its own hook", s->id);
  if (d->held == FREE || s->over) VIOLATION("request %d goes on, which was not held", s->id);
  hold was = d->held;
  d->held = FREE;
  pass_headers(s, w);
  if (was == ALL && d->buffered_length > 0) {
    slice whole = {d->buffered, d->buffered_length};
    d->received[0] = whole;
    d->received_length = 1;
    d->received_is_buffered = true;
    data_hook(s, w, d->ended && !d->trailers);
    if (!s->open) return;
    d->received_is_buffered = false;
    d->received_length = 0;
    free(d->buffered);
    d->buffered = NULL;
    d->buffered_length = 0;
    if (d->trailers) trailers_hook(s, w);
  } else {
    pass_buffered(s, w);
    if (was == ALL && d->trailers) trailers_hook(s, w);
    else if (d->trailers) printf("pass-trailers %d %s\n", s->id, way_names[w]);
  }
  if (s->open) maybe_destroy(s, "pass");
}

void envoy_dynamic_module_callback_http_filter_continue_decoding(filter_envoy envoy) {
  proceed(envoy, 0);
}

void envoy_dynamic_module_callback_http_filter_continue_encoding(filter_envoy envoy) {
  proceed(envoy, 1);
}

// Headers.

static direction* way_of(stream* s, envoy_dynamic_module_type_http_header_type type) {
  if (type == envoy_dynamic_module_type_http_header_type_RequestHeader) return &s->way[0];
  if (type == envoy_dynamic_module_type_http_header_type_ResponseHeader) return &s->way[1];
  VIOLATION("headers of type %d", type);
}

size_t envoy_dynamic_module_callback_http_get_headers_size(
    filter_envoy envoy, envoy_dynamic_module_type_http_header_type type) {
  return way_of(alive(envoy, "the headers"), type)->fields;
}

bool envoy_dynamic_module_callback_http_get_headers(
    filter_envoy envoy, envoy_dynamic_module_type_http_header_type type,
    envoy_dynamic_module_type_envoy_http_header* into) {
  direction* d = way_of(alive(envoy, "the headers"), type);
  for (size_t i = 0; i < d->fields; i++) {
    into[i].key_ptr = (char*)d->names[i].ptr;
    into[i].key_length = d->names[i].length;
    into[i].value_ptr = (char*)d->values[i].ptr;
    into[i].value_length = d->values[i].length;
  }
  return true;
}

static size_t find_field(const direction* d, bytes key) {
  size_t i = 0;
  while (i < d->fields &&
         (d->names[i].length != key.length || memcmp(d->names[i].ptr, key.ptr, key.length) != 0)) {
    i++;
  }
  return i;
}

bool envoy_dynamic_module_callback_http_get_header(filter_envoy envoy,
                                                   envoy_dynamic_module_type_http_header_type type,
                                                   bytes key, slice* into, size_t index,
                                                   size_t* size) {
  (void)size;
  direction* d = way_of(alive(envoy, "a header"), type);
  size_t i = find_field(d, key);
  if (i == d->fields || index > 0) return false;
  *into = d->values[i];
  return true;
}

static slice copy(bytes b) {
  char* p = malloc(b.length + 1);
  memcpy(p, b.ptr, b.length);
  return (slice){p, b.length};
}

bool envoy_dynamic_module_callback_http_set_header(filter_envoy envoy,
                                                   envoy_dynamic_module_type_http_header_type type,
                                                   bytes key, bytes value) {
  direction* d = way_of(alive(envoy, "a header"), type);
  if (d->passed) VIOLATION("a header is changed that has gone on");
  size_t i = find_field(d, key);
  if (i < d->fields) {
    release(&d->values[i], 1);
    if (value.length == 0) {
      release(&d->names[i], 1);
      d->fields--;
      d->names[i] = d->names[d->fields];
      d->values[i] = d->values[d->fields];
      return true;
    }
  } else {
    if (value.length == 0) return true;
    if (d->fields == MAX_FIELDS) VIOLATION("too many headers");
    d->names[d->fields++] = copy(key);
  }
  d->values[i] = copy(value);
  return true;
}

// Bodies.

static size_t chunks(const void* envoy, envoy_dynamic_module_type_http_body_type type,
                     slice* into) {
  stream* s = alive(envoy, "a body");
  bool received = type == envoy_dynamic_module_type_http_body_type_ReceivedRequestBody ||
                  type == envoy_dynamic_module_type_http_body_type_ReceivedResponseBody;
  bool response = type == envoy_dynamic_module_type_http_body_type_ReceivedResponseBody ||
                  type == envoy_dynamic_module_type_http_body_type_BufferedResponseBody;
  direction* d = &s->way[response];
  if (!received) {
    if (d->buffered_length == 0) return 0;
    if (into != NULL) *into = (slice){d->buffered, d->buffered_length};
    return 1;
  }
  if (into != NULL) memcpy(into, d->received, d->received_length * sizeof *into);
  return d->received_length;
}

size_t envoy_dynamic_module_callback_http_get_body_chunks_size(
    filter_envoy envoy, envoy_dynamic_module_type_http_body_type type) {
  return chunks(envoy, type, NULL);
}

bool envoy_dynamic_module_callback_http_get_body_chunks(
    filter_envoy envoy, envoy_dynamic_module_type_http_body_type type, slice* into) {
  return chunks(envoy, type, into) > 0;
}

size_t envoy_dynamic_module_callback_http_get_body_size(
    filter_envoy envoy, envoy_dynamic_module_type_http_body_type type) {
  slice list[MAX_FIELDS];
  size_t sum = 0, n = chunks(envoy, type, list);
  for (size_t i = 0; i < n; i++) sum += list[i].length;
  return sum;
}

bool envoy_dynamic_module_callback_http_received_buffered_request_body(filter_envoy envoy) {
  return alive(envoy, "a body")->way[0].received_is_buffered;
}

bool envoy_dynamic_module_callback_http_received_buffered_response_body(filter_envoy envoy) {
  return alive(envoy, "a body")->way[1].received_is_buffered;
}

uint64_t envoy_dynamic_module_callback_http_get_buffer_limit(filter_envoy envoy) {
  return alive(envoy, "the buffer limit")->limit;
}

void envoy_dynamic_module_callback_http_set_buffer_limit(filter_envoy envoy, uint64_t limit) {
  alive(envoy, "the buffer limit")->limit = limit;
}

// Answers.

static stream* answerable(const void* envoy, const char* what) {
  stream* s = alive(envoy, what);
  if (s->over) VIOLATION("%s to request %d, which is over", what, s->id);
  if (s->way[1].passed) VIOLATION("%s to request %d, whose response has gone on", what, s->id);
  return s;
}

static void print_fields(const field* list, size_t length) {
  for (size_t i = 0; i < length; i++) {
    printf(" %.*s=%.*s", (int)list[i].key_length, list[i].key_ptr, (int)list[i].value_length,
           list[i].value_ptr);
  }
  fputc('\n', stdout);
}

void envoy_dynamic_module_callback_http_send_response(filter_envoy envoy, uint32_t status,
                                                      field* list, size_t length, bytes body,
                                                      bytes details) {
  stream* s = answerable(envoy, "a reply");
  s->over = true;
  printf("reply %d %u details=%.*s text=%.*s", s->id, status, (int)details.length, details.ptr,
         (int)body.length, body.ptr);
  print_fields(list, length);
  maybe_destroy(s, "reply");
}

void envoy_dynamic_module_callback_http_send_response_headers(filter_envoy envoy, field* list,
                                                              size_t length, bool end) {
  stream* s = answerable(envoy, "an answer");
  s->over = true;
  printf("answer-headers %d %d", s->id, end);
  print_fields(list, length);
  maybe_destroy(s, "answer-headers");
}

void envoy_dynamic_module_callback_http_send_response_data(filter_envoy envoy, bytes data,
                                                           bool end) {
  stream* s = alive(envoy, "an answer's body");
  printf("answer-data %d %d", s->id, end);
  print_bytes(data.ptr, data.length);
  fputc('\n', stdout);
  maybe_destroy(s, "answer-data");
}

void envoy_dynamic_module_callback_http_send_response_trailers(filter_envoy envoy, field* list,
                                                               size_t length) {
  stream* s = alive(envoy, "an answer's trailers");
  printf("answer-trailers %d", s->id);
  print_fields(list, length);
  maybe_destroy(s, "answer-trailers");
}

void envoy_dynamic_module_callback_http_filter_reset_stream(
    filter_envoy envoy, envoy_dynamic_module_type_http_filter_stream_reset_reason reason,
    bytes details) {
  (void)reason, (void)details;
  stream* s = alive(envoy, "a reset");
  if (s->over) VIOLATION("a reset of request %d, which is over", s->id);
  s->over = true;
  printf("reset %d\n", s->id);
  maybe_destroy(s, "reset");
}

void envoy_dynamic_module_callback_http_clear_route_cache(filter_envoy envoy) {
  printf("reroute %d\n", alive(envoy, "a new route")->id);
}

envoy_dynamic_module_type_http_callout_init_result
envoy_dynamic_module_callback_http_filter_http_callout(filter_envoy envoy, uint64_t* id,
                                                       bytes cluster, field* list, size_t length,
                                                       bytes body, uint64_t timeout) {
  stream* s = alive(envoy, "a callout");
  if (cluster.length == 7 && memcmp(cluster.ptr, "nowhere", 7) == 0) {
    return envoy_dynamic_module_type_http_callout_init_result_ClusterNotFound;
  }
  if (++s->callouts == MAX_IDS) VIOLATION("too many callouts");
  s->callout_open[*id = s->callouts] = true;
  printf("callout %d %lu %.*s body=%.*s timeout=%lu", s->id, (unsigned long)*id,
         (int)cluster.length, cluster.ptr, (int)body.length, body.ptr, (unsigned long)timeout);
  print_fields(list, length);
  return envoy_dynamic_module_type_http_callout_init_result_Success;
}

// A stream to "failing" fails within the call, as one without a host does, and its hook is
// called for an id that the filter does not have yet.
envoy_dynamic_module_type_http_callout_init_result
envoy_dynamic_module_callback_http_filter_start_http_stream(filter_envoy envoy, uint64_t* id,
                                                            bytes cluster, field* list,
                                                            size_t length, bytes body, bool end,
                                                            uint64_t timeout) {
  stream* s = alive(envoy, "a gRPC call");
  if (!end || timeout != 0) VIOLATION("a gRPC call with an open end, or a second limit");
  if (cluster.length == 7 && memcmp(cluster.ptr, "nowhere", 7) == 0) {
    return envoy_dynamic_module_type_http_callout_init_result_ClusterNotFound;
  }
  if (++s->callouts == MAX_IDS) VIOLATION("too many callouts");
  if (cluster.length == 7 && memcmp(cluster.ptr, "failing", 7) == 0) {
    http_filter_http_stream_reset(s, s->module, s->callouts,
                                  envoy_dynamic_module_type_http_stream_reset_reason_LocalReset);
    return envoy_dynamic_module_type_http_callout_init_result_CannotCreateRequest;
  }
  s->grpc_open[*id = s->callouts] = true;
  printf("grpc %d %lu %.*s", s->id, (unsigned long)*id, (int)cluster.length, cluster.ptr);
  print_fields(list, length);
  printf("grpc-body %d", s->id);
  print_bytes(body.ptr, body.length);
  fputc('\n', stdout);
  return envoy_dynamic_module_type_http_callout_init_result_Success;
}

// Envoy tells the filter of the reset within the call.
void envoy_dynamic_module_callback_http_filter_reset_http_stream(filter_envoy envoy, uint64_t id) {
  stream* s = alive(envoy, "the reset of a gRPC call");
  if (id == 0 || id >= MAX_IDS || !s->grpc_open[id]) VIOLATION("gRPC call %lu is not open", id);
  s->grpc_open[id] = false;
  printf("grpc-cancel %d %lu\n", s->id, (unsigned long)id);
  http_filter_http_stream_reset(s, s->module, id,
                                envoy_dynamic_module_type_http_stream_reset_reason_LocalReset);
}

// Facts and notes.

bool envoy_dynamic_module_callback_http_filter_get_attribute_string(
    filter_envoy envoy, envoy_dynamic_module_type_attribute_id id, slice* result) {
  alive(envoy, "an attribute");
  const char* text = NULL;
  if (id == envoy_dynamic_module_type_attribute_id_SourceAddress) text = "127.0.0.1:1";
  if (id == envoy_dynamic_module_type_attribute_id_DestinationAddress) text = "127.0.0.1:2";
  if (id == envoy_dynamic_module_type_attribute_id_XdsRouteName) text = "the-route";
  if (id == envoy_dynamic_module_type_attribute_id_ConnectionSubjectPeerCertificate) {
    text = "CN=somebody";
  }
  if (text == NULL) return false;
  *result = (slice){(char*)text, strlen(text)};
  return true;
}

bool envoy_dynamic_module_callback_http_filter_get_attribute_int(
    filter_envoy envoy, envoy_dynamic_module_type_attribute_id id, uint64_t* result) {
  (void)id, (void)result;
  alive(envoy, "an attribute");
  return false;
}

bool envoy_dynamic_module_callback_http_get_cluster_name(filter_envoy envoy, slice* result) {
  alive(envoy, "the cluster");
  *result = (slice){"the-cluster", 11};
  return true;
}

static const void *filter_config, *route;

envoy_dynamic_module_type_http_filter_per_route_config_module_ptr
envoy_dynamic_module_callback_get_most_specific_route_config(filter_envoy envoy) {
  alive(envoy, "the route");
  return route;
}

void envoy_dynamic_module_callback_http_set_dynamic_metadata_string(filter_envoy envoy, bytes space,
                                                                    bytes key, bytes value) {
  printf("note %d %.*s %.*s=%.*s\n", alive(envoy, "a note")->id, (int)space.length, space.ptr,
         (int)key.length, key.ptr, (int)value.length, value.ptr);
}

void envoy_dynamic_module_callback_http_set_dynamic_metadata_number(filter_envoy envoy, bytes space,
                                                                    bytes key, double value) {
  printf("note %d %.*s %.*s=%g\n", alive(envoy, "a note")->id, (int)space.length, space.ptr,
         (int)key.length, key.ptr, value);
}

envoy_dynamic_module_type_span_envoy_ptr envoy_dynamic_module_callback_http_get_active_span(
    filter_envoy envoy) {
  return alive(envoy, "the span");
}

void envoy_dynamic_module_callback_http_span_set_tag(envoy_dynamic_module_type_span_envoy_ptr span,
                                                     bytes key, bytes value) {
  printf("tag %d %.*s=%.*s\n", alive(span, "a tag")->id, (int)key.length, key.ptr,
         (int)value.length, value.ptr);
}

// Metrics: only that they are defined, and with as many labels, is looked at.

static size_t label_counts[MAX_IDS], metrics_defined;

static envoy_dynamic_module_type_metrics_result define(size_t labels, size_t* id) {
  if (++metrics_defined == MAX_IDS) VIOLATION("too many metrics");
  label_counts[*id = metrics_defined] = labels;
  return envoy_dynamic_module_type_metrics_result_Success;
}

static envoy_dynamic_module_type_metrics_result record(const void* envoy, size_t id,
                                                       size_t labels) {
  alive(envoy, "a metric");
  if (id == 0 || id > metrics_defined) VIOLATION("metric %zu was never defined", id);
  if (labels != label_counts[id]) VIOLATION("metric %zu has %zu labels", id, label_counts[id]);
  return envoy_dynamic_module_type_metrics_result_Success;
}

#define DEFINE(kind)                                                             \
  envoy_dynamic_module_type_metrics_result                                       \
  envoy_dynamic_module_callback_http_filter_config_define_##kind(                \
      envoy_dynamic_module_type_http_filter_config_envoy_ptr config, bytes name, \
      bytes* labels, size_t length, size_t* id) {                                \
    (void)config, (void)name, (void)labels;                                      \
    return define(length, id);                                                   \
  }
#define RECORD(name)                                                                 \
  envoy_dynamic_module_type_metrics_result                                           \
  envoy_dynamic_module_callback_http_filter_##name(filter_envoy envoy, size_t id,    \
                                                   bytes* labels, size_t length,     \
                                                   uint64_t value) {                 \
    (void)labels, (void)value;                                                       \
    return record(envoy, id, length);                                                \
  }

DEFINE(counter)
DEFINE(gauge)
DEFINE(histogram)
RECORD(increment_counter)
RECORD(increment_gauge)
RECORD(decrement_gauge)
RECORD(set_gauge)
RECORD(record_histogram_value)

// Schedulers: events may come from any thread.

typedef struct {
  stream* stream;
  bool deleted;
} scheduler;

static struct {
  pthread_mutex_t lock;
  struct {
    scheduler* s;
    uint64_t event;
  } list[MAX_EVENTS];
  size_t length;
} waiting = {.lock = PTHREAD_MUTEX_INITIALIZER};

envoy_dynamic_module_type_http_filter_scheduler_module_ptr
envoy_dynamic_module_callback_http_filter_scheduler_new(filter_envoy envoy) {
  scheduler* s = calloc(1, sizeof *s);  // never freed: a late use is to be seen
  s->stream = alive(envoy, "a scheduler");
  return s;
}

void envoy_dynamic_module_callback_http_filter_scheduler_commit(
    envoy_dynamic_module_type_http_filter_scheduler_module_ptr pointer, uint64_t event) {
  scheduler* s = pointer;
  pthread_mutex_lock(&waiting.lock);
  if (s->deleted) VIOLATION("an event on a filter's scheduler that was deleted");
  if (waiting.length == MAX_EVENTS) VIOLATION("too many events");
  waiting.list[waiting.length].s = s;
  waiting.list[waiting.length++].event = event;
  pthread_mutex_unlock(&waiting.lock);
}

void envoy_dynamic_module_callback_http_filter_scheduler_delete(
    envoy_dynamic_module_type_http_filter_scheduler_module_ptr pointer) {
  scheduler* s = pointer;
  pthread_mutex_lock(&waiting.lock);
  if (s->deleted) VIOLATION("a filter's scheduler deleted twice");
  s->deleted = true;
  pthread_mutex_unlock(&waiting.lock);
}

bool run_filter_events(void) {
  for (;;) {
    pthread_mutex_lock(&waiting.lock);
    if (waiting.length == 0) {
      pthread_mutex_unlock(&waiting.lock);
      return true;
    }
    scheduler* s = waiting.list[0].s;
    uint64_t event = waiting.list[0].event;
    memmove(waiting.list, waiting.list + 1, --waiting.length * sizeof *waiting.list);
    bool gone = s->deleted;  // Envoy drops the events of a filter that is gone
    pthread_mutex_unlock(&waiting.lock);
    if (!gone) http_filter_scheduled(s->stream, s->stream->module, event);
  }
}

// The commands.

static stream* find(void) {
  int id = number();
  if (id < 0 || id >= MAX_STREAMS) VIOLATION("request %d", id);
  streams[id].id = id;
  return &streams[id];
}

static void headers(stream* s, int w) {
  direction* d = &s->way[w];
  d->begun = true;
  d->ended = number();
  for (char* text; (text = word()) != NULL;) {
    if (d->fields == MAX_FIELDS) VIOLATION("too many headers");
    d->names[d->fields] = unhex(strsep(&text, "="));
    d->values[d->fields++] = unhex(text);
  }
  headers_hook(s, w);
}

static void data(stream* s, int w) {
  direction* d = &s->way[w];
  bool end = d->ended = number();
  d->received_length = 0;
  for (char* text; (text = word()) != NULL;) {
    if (d->received_length == MAX_FIELDS) VIOLATION("too many slices");
    d->received[d->received_length++] = unhex(text);
  }
  slice list[MAX_FIELDS];
  size_t length = d->received_length;
  memcpy(list, d->received, length * sizeof *list);
  if (d->held == ALL) {
    keep(s, w);
  } else {
    data_hook(s, w, end);
  }
  release(list, length);
  d->received_length = 0;
}

static void trailers(stream* s, int w) {
  direction* d = &s->way[w];
  d->ended = d->trailers = true;
  if (d->held != ALL) trailers_hook(s, w);
}

static void called_out(stream* s) {
  int id = number();
  bool ok = number();
  if (id <= 0 || id >= MAX_IDS || !s->callout_open[id]) VIOLATION("callout %d is not open", id);
  s->callout_open[id] = false;
  slice body = unhex(word());
  envoy_dynamic_module_type_envoy_http_header status = {":status", 7, "200", 3};
  http_filter_http_callout_done(s, s->module, id,
                                ok ? envoy_dynamic_module_type_http_callout_result_Success
                                   : envoy_dynamic_module_type_http_callout_result_Reset,
                                ok ? &status : NULL, ok, ok ? &body : NULL, ok);
  release(&body, 1);
}

// An answer to a gRPC call. Its headers and trailers, like its data, are gone after the hook.
static void grpc(stream* s, const char* what) {
  int id = number();
  if (id <= 0 || id >= MAX_IDS || !s->grpc_open[id]) VIOLATION("gRPC call %d is not open", id);
  if (strcmp(what, "complete") == 0) {
    s->grpc_open[id] = false;
    http_filter_http_stream_complete(s, s->module, id);
    return;
  }
  if (strcmp(what, "reset") == 0) {
    s->grpc_open[id] = false;
    http_filter_http_stream_reset(s, s->module, id,
                                  envoy_dynamic_module_type_http_stream_reset_reason_LocalReset);
    return;
  }
  bool end = strcmp(what, "headers") == 0 && number();
  slice names[MAX_FIELDS], values[MAX_FIELDS];
  envoy_dynamic_module_type_envoy_http_header list[MAX_FIELDS];
  size_t length = 0;
  for (char* text; (text = word()) != NULL; length++) {
    if (length == MAX_FIELDS) VIOLATION("too many fields");
    names[length] = unhex(strsep(&text, "="));
    if (text == NULL) continue;  // data
    values[length] = unhex(text);
    list[length] = (envoy_dynamic_module_type_envoy_http_header){
        names[length].ptr, names[length].length, values[length].ptr, values[length].length};
  }
  if (strcmp(what, "data") == 0) {
    http_filter_http_stream_data(s, s->module, id, names, length, false);
  } else {
    if (strcmp(what, "headers") == 0) {
      http_filter_http_stream_headers(s, s->module, id, list, length, end);
    } else {
      http_filter_http_stream_trailers(s, s->module, id, list, length);
    }
    release(values, length);
  }
  release(names, length);
}

bool filter_command(const char* name, bool* result) {
  static const slice filter = {"probe", 5};
  *result = true;
  if (strcmp(name, "filter-config") == 0) {
    filter_config = http_filter_config_new(&filter_config, filter, (slice){words, strlen(words)});
    return *result = filter_config != NULL, true;
  }
  if (strcmp(name, "filter-config-destroy") == 0) {
    http_filter_config_destroy(filter_config);
    return true;
  }
  if (strcmp(name, "route") == 0) {
    route = http_filter_per_route_config_new(filter, (slice){words, strlen(words)});
    return *result = route != NULL, true;
  }
  if (strcmp(name, "route-destroy") == 0) {
    http_filter_per_route_config_destroy(route);
    route = NULL;
    return true;
  }
  if (strcmp(name, "filter") == 0) {
    stream* s = find();
    if (s->open) VIOLATION("request %d is there already", s->id);
    *s = (stream){.id = s->id, .open = true, .limit = 1 << 16};
    s->module = http_filter_new(filter_config, s);
    return *result = s->module != NULL, true;
  }

  static const struct {
    const char* name;
    void (*run)(stream*, int);
    int way;
  } commands[] = {
      {"request-headers", headers, 0},   {"request-data", data, 0},
      {"request-trailers", trailers, 0}, {"response-headers", headers, 1},
      {"response-data", data, 1},        {"response-trailers", trailers, 1},
  };
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(name, commands[i].name) == 0) {
      stream* s = alive(find(), name);
      // Envoy gives nothing more to filters of a request that is over.
      if (!s->over) commands[i].run(s, commands[i].way);
      return true;
    }
  }
  if (strcmp(name, "called-out") == 0) return called_out(alive(find(), name)), true;
  if (strncmp(name, "grpc-", 5) == 0) return grpc(alive(find(), name), name + 5), true;
  if (strcmp(name, "complete") == 0) {
    stream* s = alive(find(), name);
    s->completed = true;
    http_filter_stream_complete(s, s->module);
    return true;
  }
  if (strcmp(name, "destroy") == 0) return destroy(alive(find(), name)), true;
  if (strcmp(name, "destroy-at") == 0) {
    stream* s = alive(find(), name);
    snprintf(s->destroy_at, sizeof s->destroy_at, "%s", word());
    return true;
  }
  return false;
}
