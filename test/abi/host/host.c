// A host of libmeltemi.so without Envoy: it loads the library as Envoy does, calls its
// hooks as it is told on standard input, and prints what the library asks of Envoy. It
// is stricter than Envoy: what would be undefined there ends the process here.
//
// A command is a line of words; bytes are in hex, "-" for none. The answer is a line
// for each thing that the library asked for, and "ok" or "refused".
//
//   config JSON            a network filter's configuration
//   gauges                 the next event that a configuration's scheduler gets
//   config-destroy         the configuration's end
//   open ID                a client connection
//   read ID BYTES...       bytes of the client, in that many slices of Envoy's buffer
//   write ID BYTES...      bytes of the connection manager
//   close ID               the connection's end
//   bridge-config JSON     a bridge's configuration
//   request ID NAME=BYTES... / data ID END BYTES... / trailers ID / drop ID
//   upstream ID END BYTES...
//   run                    the events that wait in schedulers
//   memory                 the resident set, in KiB
//
// Those of HTTP filters stand in filter.c.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

enum { MAX_OBJECTS = 1 << 16, MAX_SLICES = 1 << 16, MAX_LINE = 1 << 24, MAX_METRICS = 256 };

typedef struct {
  int id;
  bool open;
  bool closing;  // the library wants it closed
  const void* module;
  slice* list;  // the buffer that a hook may look at
  size_t length, total, drained;
  bool in_write;   // nothing may be written or injected
  bool in_encode;  // nothing may be answered
  slice* headers;  // names and values in turn
  size_t headers_length;
} object;

static object connections[MAX_OBJECTS], requests[MAX_OBJECTS];
static char* metrics[MAX_METRICS];
static size_t metrics_length;

static object* alive(const void* pointer, const char* what) {
  object* o = (object*)pointer;
  if (!o->open) VIOLATION("%s of object %d, which is gone", what, o->id);
  return o;
}

void print_bytes(const char* p, size_t n) {
  if (n == 0)
    fputs(" -", stdout);
  else
    fputc(' ', stdout);
  for (size_t i = 0; i < n; i++) printf("%02x", (unsigned char)p[i]);
}

static void event(const char* what, const object* o, const char* p, size_t n) {
  printf("%s %d", what, o->id);
  print_bytes(p, n);
  fputc('\n', stdout);
}

// What Envoy offers to every module.

uint32_t envoy_dynamic_module_callback_get_concurrency(void) { return 1; }

bool envoy_dynamic_module_callback_log_enabled(envoy_dynamic_module_type_log_level level) {
  return level >= envoy_dynamic_module_type_log_level_Info;
}

void envoy_dynamic_module_callback_log(envoy_dynamic_module_type_log_level level, bytes text) {
  (void)level;
  fprintf(stderr, "%.*s\n", (int)text.length, text.ptr);
}

// What it offers to network filters.

static envoy_dynamic_module_type_metrics_result define(bytes name, size_t* id) {
  if (metrics_length == MAX_METRICS) VIOLATION("more than %d metrics", MAX_METRICS);
  metrics[metrics_length] = strndup(name.ptr, name.length);
  *id = ++metrics_length;
  return envoy_dynamic_module_type_metrics_result_Success;
}

envoy_dynamic_module_type_metrics_result
envoy_dynamic_module_callback_network_filter_config_define_counter(
    envoy_dynamic_module_type_network_filter_config_envoy_ptr config, bytes name, size_t* id) {
  (void)config;
  return define(name, id);
}

envoy_dynamic_module_type_metrics_result
envoy_dynamic_module_callback_network_filter_config_define_gauge(
    envoy_dynamic_module_type_network_filter_config_envoy_ptr config, bytes name, size_t* id) {
  (void)config;
  return define(name, id);
}

static envoy_dynamic_module_type_metrics_result count(const void* envoy, size_t id, long delta) {
  alive(envoy, "a count");
  if (id == 0 || id > metrics_length) VIOLATION("metric %zu was never defined", id);
  printf("count %s %ld\n", metrics[id - 1], delta);
  return envoy_dynamic_module_type_metrics_result_Success;
}

envoy_dynamic_module_type_metrics_result
envoy_dynamic_module_callback_network_filter_increment_counter(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, size_t id, uint64_t value) {
  return count(envoy, id, (long)value);
}

envoy_dynamic_module_type_metrics_result
envoy_dynamic_module_callback_network_filter_increment_gauge(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, size_t id, uint64_t value) {
  return count(envoy, id, (long)value);
}

envoy_dynamic_module_type_metrics_result
envoy_dynamic_module_callback_network_filter_decrement_gauge(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, size_t id, uint64_t value) {
  return count(envoy, id, -(long)value);
}

bool envoy_dynamic_module_callback_network_filter_get_local_address(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, slice* address, uint32_t* port) {
  alive(envoy, "the address");
  address->ptr = "127.0.0.1";
  address->length = strlen(address->ptr);
  *port = 20880;
  return true;
}

uint32_t envoy_dynamic_module_callback_network_filter_get_buffer_limit(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy) {
  alive(envoy, "the buffer limit");
  return 1 << 20;
}

void envoy_dynamic_module_callback_network_filter_set_buffer_limits(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, uint32_t limit) {
  (void)limit;
  alive(envoy, "the buffer limit");
}

static size_t get_size(const void* envoy) { return alive(envoy, "a buffer")->length; }

static bool get(const void* envoy, slice* into) {
  object* o = alive(envoy, "a buffer");
  memcpy(into, o->list, o->length * sizeof *into);
  return true;
}

static bool drain(const void* envoy, size_t length) {
  object* o = alive(envoy, "a buffer");
  o->drained += length;
  if (o->drained > o->total) VIOLATION("%zu bytes drained of %zu", o->drained, o->total);
  return true;
}

size_t envoy_dynamic_module_callback_network_filter_get_read_buffer_chunks_size(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy) {
  return get_size(envoy);
}

bool envoy_dynamic_module_callback_network_filter_get_read_buffer_chunks(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, slice* into) {
  return get(envoy, into);
}

bool envoy_dynamic_module_callback_network_filter_drain_read_buffer(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, size_t length) {
  return drain(envoy, length);
}

size_t envoy_dynamic_module_callback_network_filter_get_write_buffer_chunks_size(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy) {
  return get_size(envoy);
}

bool envoy_dynamic_module_callback_network_filter_get_write_buffer_chunks(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, slice* into) {
  return get(envoy, into);
}

bool envoy_dynamic_module_callback_network_filter_drain_write_buffer(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, size_t length) {
  return drain(envoy, length);
}

// Of all that follows, only append_write_buffer may be called while Envoy writes.
static object* writable(const void* envoy, const char* what) {
  object* o = alive(envoy, what);
  if (o->in_write) VIOLATION("%s while Envoy writes", what);
  return o;
}

bool envoy_dynamic_module_callback_network_filter_append_read_buffer(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, bytes data) {
  event("manager", writable(envoy, "append_read_buffer"), data.ptr, data.length);
  return true;
}

void envoy_dynamic_module_callback_network_filter_inject_read_data(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, bytes data, bool end) {
  (void)end;
  event("manager", writable(envoy, "inject_read_data"), data.ptr, data.length);
}

void envoy_dynamic_module_callback_network_filter_inject_write_data(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, bytes data, bool end) {
  (void)end;
  event("client", writable(envoy, "inject_write_data"), data.ptr, data.length);
}

bool envoy_dynamic_module_callback_network_filter_append_write_buffer(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, bytes data) {
  event("client", alive(envoy, "append_write_buffer"), data.ptr, data.length);
  return true;
}

void envoy_dynamic_module_callback_network_filter_close(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy,
    envoy_dynamic_module_type_network_connection_close_type type) {
  (void)type;
  object* o = writable(envoy, "close");
  o->closing = true;
  event("close", o, NULL, 0);
}

void envoy_dynamic_module_callback_network_filter_close_with_details(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy,
    envoy_dynamic_module_type_network_connection_close_type type, bytes details) {
  (void)details;
  envoy_dynamic_module_callback_network_filter_close(envoy, type);
}

envoy_dynamic_module_type_network_read_disable_status
envoy_dynamic_module_callback_network_filter_read_disable(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, bool disable) {
  event(disable ? "pause" : "resume", writable(envoy, "read_disable"), NULL, 0);
  return 0;
}

void envoy_dynamic_module_callback_network_filter_enable_half_close(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy, bool enabled) {
  alive(envoy, enabled ? "enable_half_close" : "disable_half_close");
}

// Schedulers: events may come from any thread.

typedef struct {
  object* connection;
  bool deleted;
} scheduler;

static struct {
  pthread_mutex_t lock;
  struct {
    scheduler* s;
    uint64_t event;
  } list[1024];
  size_t length;
} waiting = {.lock = PTHREAD_MUTEX_INITIALIZER};

envoy_dynamic_module_type_network_filter_scheduler_module_ptr
envoy_dynamic_module_callback_network_filter_scheduler_new(
    envoy_dynamic_module_type_network_filter_envoy_ptr envoy) {
  scheduler* s = calloc(1, sizeof *s);  // never freed: a late use is to be seen
  s->connection = alive(envoy, "a scheduler");
  return s;
}

void envoy_dynamic_module_callback_network_filter_scheduler_commit(
    envoy_dynamic_module_type_network_filter_scheduler_module_ptr pointer, uint64_t id) {
  scheduler* s = (scheduler*)pointer;
  pthread_mutex_lock(&waiting.lock);
  if (s->deleted) VIOLATION("an event on a scheduler that was deleted");
  if (waiting.length == sizeof waiting.list / sizeof *waiting.list) VIOLATION("too many events");
  waiting.list[waiting.length].s = s;
  waiting.list[waiting.length++].event = id;
  pthread_mutex_unlock(&waiting.lock);
}

void envoy_dynamic_module_callback_network_filter_scheduler_delete(
    envoy_dynamic_module_type_network_filter_scheduler_module_ptr pointer) {
  scheduler* s = (scheduler*)pointer;
  pthread_mutex_lock(&waiting.lock);
  if (s->deleted) VIOLATION("a scheduler deleted twice");
  s->deleted = true;
  pthread_mutex_unlock(&waiting.lock);
}

// Those of configurations, whose events are for the main thread.

typedef struct {
  bool deleted;
} config_scheduler;

pthread_t main_thread;
static struct {
  pthread_mutex_t lock;
  pthread_cond_t came;
  size_t length;
} config_events = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

envoy_dynamic_module_type_network_filter_config_scheduler_module_ptr
envoy_dynamic_module_callback_network_filter_config_scheduler_new(
    envoy_dynamic_module_type_network_filter_config_envoy_ptr config) {
  (void)config;
  return calloc(1, sizeof(config_scheduler));  // never freed: a late use is to be seen
}

void envoy_dynamic_module_callback_network_filter_config_scheduler_commit(
    envoy_dynamic_module_type_network_filter_config_scheduler_module_ptr pointer, uint64_t id) {
  (void)id;
  pthread_mutex_lock(&config_events.lock);
  if (((config_scheduler*)pointer)->deleted) VIOLATION("an event on a scheduler that was deleted");
  config_events.length++;
  pthread_cond_broadcast(&config_events.came);
  pthread_mutex_unlock(&config_events.lock);
}

void envoy_dynamic_module_callback_network_filter_config_scheduler_delete(
    envoy_dynamic_module_type_network_filter_config_scheduler_module_ptr pointer) {
  pthread_mutex_lock(&config_events.lock);
  if (((config_scheduler*)pointer)->deleted) VIOLATION("a scheduler deleted twice");
  ((config_scheduler*)pointer)->deleted = true;
  pthread_mutex_unlock(&config_events.lock);
}

envoy_dynamic_module_type_metrics_result
envoy_dynamic_module_callback_network_filter_config_set_gauge(
    envoy_dynamic_module_type_network_filter_config_envoy_ptr config, size_t id, uint64_t value) {
  (void)config;
  if (!pthread_equal(pthread_self(), main_thread)) VIOLATION("a gauge beside the main thread");
  if (id == 0 || id > metrics_length) VIOLATION("metric %zu was never defined", id);
  printf("gauge %s %lu\n", metrics[id - 1], (unsigned long)value);
  return envoy_dynamic_module_type_metrics_result_Success;
}

// What Envoy offers to listener filters, which this host has none of.

bool envoy_dynamic_module_callback_listener_filter_get_buffer_chunk(
    envoy_dynamic_module_type_listener_filter_envoy_ptr envoy, slice* chunk) {
  (void)envoy, (void)chunk;
  VIOLATION("a listener filter");
}

void envoy_dynamic_module_callback_listener_filter_set_requested_application_protocols(
    envoy_dynamic_module_type_listener_filter_envoy_ptr envoy, bytes* protocols, size_t length) {
  (void)envoy, (void)protocols, (void)length;
  VIOLATION("a listener filter");
}

// What it offers to bridges.

typedef envoy_dynamic_module_type_upstream_http_tcp_bridge_envoy_ptr bridge_envoy;

size_t envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_headers_size(
    bridge_envoy envoy) {
  return alive(envoy, "the headers")->headers_length;
}

bool envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_headers(
    bridge_envoy envoy, envoy_dynamic_module_type_envoy_http_header* into) {
  object* o = alive(envoy, "the headers");
  for (size_t i = 0; i < o->headers_length; i++) {
    into[i].key_ptr = (char*)o->headers[2 * i].ptr;
    into[i].key_length = o->headers[2 * i].length;
    into[i].value_ptr = (char*)o->headers[2 * i + 1].ptr;
    into[i].value_length = o->headers[2 * i + 1].length;
  }
  return true;
}

size_t envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_buffer_chunks_size(
    bridge_envoy envoy) {
  return get_size(envoy);
}

size_t envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_response_buffer_chunks_size(
    bridge_envoy envoy) {
  return get_size(envoy);
}

void envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_buffer(bridge_envoy envoy,
                                                                               slice* into,
                                                                               size_t* length) {
  *length = get_size(envoy);
  get(envoy, into);
}

void envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_response_buffer(bridge_envoy envoy,
                                                                                slice* into,
                                                                                size_t* length) {
  *length = get_size(envoy);
  get(envoy, into);
}

void envoy_dynamic_module_callback_upstream_http_tcp_bridge_send_upstream_data(bridge_envoy envoy,
                                                                               bytes data,
                                                                               bool end) {
  event(end ? "server-end" : "server", alive(envoy, "send_upstream_data"), data.ptr, data.length);
}

static object* answerable(const void* envoy, const char* what) {
  object* o = alive(envoy, what);
  if (o->in_encode) VIOLATION("%s while the request is being encoded", what);
  return o;
}

static void fields(const char* what, const object* o, unsigned status, bool end,
                   const envoy_dynamic_module_type_module_http_header* list, size_t length) {
  printf("%s %d %u %d", what, o->id, status, end);
  for (size_t i = 0; i < length; i++) {
    print_bytes(list[i].key_ptr, list[i].key_length);
    print_bytes(list[i].value_ptr, list[i].value_length);
  }
  fputc('\n', stdout);
}

void envoy_dynamic_module_callback_upstream_http_tcp_bridge_send_response_headers(
    bridge_envoy envoy, uint32_t status, envoy_dynamic_module_type_module_http_header* list,
    size_t length, bool end) {
  fields("response", answerable(envoy, "a response"), status, end, list, length);
}

void envoy_dynamic_module_callback_upstream_http_tcp_bridge_send_response_data(bridge_envoy envoy,
                                                                               bytes data,
                                                                               bool end) {
  (void)end;
  event("body", answerable(envoy, "a body"), data.ptr, data.length);
}

void envoy_dynamic_module_callback_upstream_http_tcp_bridge_send_response_trailers(
    bridge_envoy envoy, envoy_dynamic_module_type_module_http_header* list, size_t length) {
  fields("trailers", answerable(envoy, "trailers"), 0, true, list, length);
}

// The library's hooks, found by name as Envoy finds them.

HOOK(const char*, program_init, void);
HOOK(const void*, network_filter_config_new, const void*, slice, slice);
HOOK(void, network_filter_config_destroy, const void*);
HOOK(void, network_filter_config_scheduled, const void*, uint64_t);
HOOK(const void*, network_filter_new, const void*, const void*);
HOOK(int, network_filter_new_connection, const void*, const void*);
HOOK(int, network_filter_read, const void*, const void*, size_t, bool);
HOOK(int, network_filter_write, const void*, const void*, size_t, bool);
HOOK(void, network_filter_scheduled, const void*, const void*, uint64_t);
HOOK(void, network_filter_event, const void*, const void*, int);
HOOK(void, network_filter_destroy, const void*);
HOOK(const void*, upstream_http_tcp_bridge_config_new, const void*, slice, slice);
HOOK(const void*, upstream_http_tcp_bridge_new, const void*, const void*);
HOOK(void, upstream_http_tcp_bridge_encode_headers, const void*, const void*, bool);
HOOK(void, upstream_http_tcp_bridge_encode_data, const void*, const void*, bool);
HOOK(void, upstream_http_tcp_bridge_encode_trailers, const void*, const void*);
HOOK(void, upstream_http_tcp_bridge_on_upstream_data, const void*, const void*, bool);
HOOK(void, upstream_http_tcp_bridge_destroy, const void*);

static void load(const char* path) {
  void* library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (library == NULL) VIOLATION("%s", dlerror());
  FIND(program_init);
  FIND(network_filter_config_new);
  FIND(network_filter_config_destroy);
  FIND(network_filter_config_scheduled);
  FIND(network_filter_new);
  FIND(network_filter_new_connection);
  FIND(network_filter_read);
  FIND(network_filter_write);
  FIND(network_filter_scheduled);
  FIND(network_filter_event);
  FIND(network_filter_destroy);
  FIND(upstream_http_tcp_bridge_config_new);
  FIND(upstream_http_tcp_bridge_new);
  FIND(upstream_http_tcp_bridge_encode_headers);
  FIND(upstream_http_tcp_bridge_encode_data);
  FIND(upstream_http_tcp_bridge_encode_trailers);
  FIND(upstream_http_tcp_bridge_on_upstream_data);
  FIND(upstream_http_tcp_bridge_destroy);
  find_filter_hooks(library);
  if (program_init() == NULL) VIOLATION("the library refused to start");
}

// The commands.

char* words;  // what is left of the line

char* word(void) {
  char* w = strsep(&words, " ");
  return w == NULL || *w == 0 ? NULL : w;
}

int number(void) {
  char* w = word();
  if (w == NULL) VIOLATION("a number is missing");
  return atoi(w);
}

// Bytes are copied, so that a slice that is used after its hook is seen by tools.
slice unhex(const char* text) {
  size_t length = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
  char* b = malloc(length + 1);
  for (size_t i = 0; i < length; i++) {
    unsigned v;
    sscanf(text + 2 * i, "%2x", &v);
    b[i] = (char)v;
  }
  return (slice){b, length};
}

static void fill(object* o) {
  static slice list[MAX_SLICES];
  o->list = list;
  o->length = o->total = o->drained = 0;
  for (char* w; (w = word()) != NULL;) {
    if (o->length == MAX_SLICES) VIOLATION("too many slices");
    list[o->length] = unhex(w);
    o->total += list[o->length++].length;
  }
}

// Frees the bytes with something else written over them.
void release(slice* list, size_t length) {
  for (size_t i = 0; i < length; i++) {
    memset((char*)list[i].ptr, 0xee, list[i].length);
    free((char*)list[i].ptr);
  }
}

static void empty(object* o) {
  release(o->list, o->length);
  o->length = 0;
}

static void check_drained(const object* o) {
  if (o->drained != o->total && !o->closing) {
    VIOLATION("%zu bytes of %zu stay in Envoy", o->total - o->drained, o->total);
  }
}

static object* find(object* all) {
  int id = number();
  if (id < 0 || id >= MAX_OBJECTS) VIOLATION("object %d", id);
  all[id].id = id;
  return &all[id];
}

static const void *network_config, *bridge_config;

static bool run_events(void) {
  for (;;) {
    pthread_mutex_lock(&waiting.lock);
    if (waiting.length == 0) {
      pthread_mutex_unlock(&waiting.lock);
      return true;
    }
    scheduler* s = waiting.list[0].s;
    uint64_t id = waiting.list[0].event;
    memmove(waiting.list, waiting.list + 1, --waiting.length * sizeof *waiting.list);
    pthread_mutex_unlock(&waiting.lock);
    object* o = s->connection;
    if (o->open) network_filter_scheduled(o, o->module, id);
  }
}

// Waits for an event, ten seconds at most.
static bool run_config_event(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 10;
  pthread_mutex_lock(&config_events.lock);
  int failed = 0;
  while (config_events.length == 0 && failed == 0) {
    failed = pthread_cond_timedwait(&config_events.came, &config_events.lock, &until);
  }
  config_events.length = 0;
  pthread_mutex_unlock(&config_events.lock);
  if (failed == 0) network_filter_config_scheduled(network_config, 0);
  return failed == 0;
}

static bool command(const char* name) {
  static const slice filter = {"meltemi", 7};
  if (strcmp(name, "config") == 0) {
    metrics_length = 0;
    network_config =
        network_filter_config_new(&network_config, filter, (slice){words, strlen(words)});
    return network_config != NULL;
  }
  if (strcmp(name, "gauges") == 0) return run_config_event();
  if (strcmp(name, "config-destroy") == 0) {
    network_filter_config_destroy(network_config);
    network_config = NULL;
    return true;
  }
  if (strcmp(name, "bridge-config") == 0) {
    slice text = {words, strlen(words)};
    bridge_config = upstream_http_tcp_bridge_config_new(&bridge_config, filter, text);
    return bridge_config != NULL;
  }
  if (strcmp(name, "run") == 0) return run_events() && run_filter_events();
  if (strcmp(name, "memory") == 0) {
    FILE* f = fopen("/proc/self/statm", "r");
    long pages = 0;
    if (f == NULL || fscanf(f, "%*d %ld", &pages) != 1) VIOLATION("no statm");
    fclose(f);
    printf("memory %ld\n", pages * (sysconf(_SC_PAGESIZE) / 1024));
    return true;
  }
  if (strcmp(name, "open") == 0) {
    object* o = find(connections);
    o->open = true;
    o->closing = false;
    o->module = network_filter_new(network_config, o);
    network_filter_new_connection(o, o->module);
    return o->module != NULL;
  }
  if (strcmp(name, "read") == 0) {
    object* o = alive(find(connections), "read");
    fill(o);
    network_filter_read(o, o->module, o->total, false);
    check_drained(o);
    empty(o);
    return true;
  }
  if (strcmp(name, "write") == 0) {
    object* o = alive(find(connections), "write");
    fill(o);
    o->in_write = true;
    network_filter_write(o, o->module, o->total, false);
    o->in_write = false;
    check_drained(o);
    empty(o);
    return true;
  }
  if (strcmp(name, "close") == 0) {
    object* o = alive(find(connections), "close");
    network_filter_event(o, o->module,
                         envoy_dynamic_module_type_network_connection_event_RemoteClose);
    network_filter_destroy(o->module);
    o->open = false;
    return true;
  }
  if (strcmp(name, "request") == 0) {
    static slice list[2 * MAX_SLICES];
    object* o = find(requests);
    o->open = true;
    o->headers = list;
    o->headers_length = 0;
    for (char* w; (w = word()) != NULL; o->headers_length++) {
      list[2 * o->headers_length] = unhex(strsep(&w, "="));
      list[2 * o->headers_length + 1] = unhex(w);
    }
    o->module = upstream_http_tcp_bridge_new(bridge_config, o);
    if (o->module == NULL) return o->open = false;
    o->in_encode = true;
    upstream_http_tcp_bridge_encode_headers(o, o->module, false);
    o->in_encode = false;
    release(list, 2 * o->headers_length);
    o->headers_length = 0;
    return true;
  }
  if (strcmp(name, "data") == 0) {
    object* o = alive(find(requests), "data");
    bool end = number();
    fill(o);
    o->in_encode = true;
    upstream_http_tcp_bridge_encode_data(o, o->module, end);
    o->in_encode = false;
    empty(o);
    return true;
  }
  if (strcmp(name, "trailers") == 0) {
    object* o = alive(find(requests), "trailers");
    o->in_encode = true;
    upstream_http_tcp_bridge_encode_trailers(o, o->module);
    o->in_encode = false;
    return true;
  }
  if (strcmp(name, "upstream") == 0) {
    object* o = alive(find(requests), "upstream");
    bool end = number();
    fill(o);
    upstream_http_tcp_bridge_on_upstream_data(o, o->module, end);
    empty(o);
    return true;
  }
  if (strcmp(name, "drop") == 0) {
    object* o = alive(find(requests), "drop");
    upstream_http_tcp_bridge_destroy(o->module);
    o->open = false;
    return true;
  }
  bool result;
  if (filter_command(name, &result)) return result;
  VIOLATION("unknown command %s", name);
}

int main(int argc, char** argv) {
  if (argc != 2) VIOLATION("usage: host LIBRARY");
  main_thread = pthread_self();
  load(argv[1]);
  static char line[MAX_LINE];
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = 0;
    words = line;
    char* name = word();
    puts(command(name) ? "ok" : "refused");
    fflush(stdout);
  }
  return 0;
}
