// The commands of the HTTP filter. ID is a number of the test's own.
//
//   config NAME ANY           a filter's configuration: "config ID", or "refused"
//   route NAME ANY            a route's
//   merge NAME PARENT CHILD   both, as for a request of that route
//   drop CONFIG               Envoy has let go of one of these three
//   request ID CONFIG NAME    a request that will come with that configuration
//   fact ID NUMBER BYTES      what Envoy knows of it, by the numbers of EnvoyValue
//   lock ID                   neither its headers nor its response's can be changed
//   request-headers ID END NAME=BYTES...    request-data ID END BYTES
//   request-trailers ID NAME=BYTES...       the same with response-
//   end ID                    the request is over: log, completion, destruction
//   destroy ID                it is gone without a log
//   metric NAME
//   garbage                   Go collects: "garbage N" objects that are gone and not given back
//
// What goes on to the next filter is printed in the form of the commands.

#include "http.h"

#include "libgolang.h"

#define EXPORT(name) static __typeof__(name)* go_##name
EXPORT(envoyGoFilterNewHttpPluginConfig);
EXPORT(envoyGoFilterMergeHttpPluginConfig);
EXPORT(envoyGoFilterDestroyHttpPluginConfig);
EXPORT(envoyGoFilterOnHttpHeader);
EXPORT(envoyGoFilterOnHttpData);
EXPORT(envoyGoFilterOnHttpLog);
EXPORT(envoyGoFilterOnHttpStreamComplete);
EXPORT(envoyGoFilterOnHttpDestroy);
EXPORT(envoyGoFilterCleanUp);

void http_load(void) {
#define LOAD(name) go_##name = symbol(#name)
  LOAD(envoyGoFilterNewHttpPluginConfig);
  LOAD(envoyGoFilterMergeHttpPluginConfig);
  LOAD(envoyGoFilterDestroyHttpPluginConfig);
  LOAD(envoyGoFilterOnHttpHeader);
  LOAD(envoyGoFilterOnHttpData);
  LOAD(envoyGoFilterOnHttpLog);
  LOAD(envoyGoFilterOnHttpStreamComplete);
  LOAD(envoyGoFilterOnHttpDestroy);
  LOAD(envoyGoFilterCleanUp);
}

const char* headers_get(const headers* h, const char* name) {
  for (size_t i = 0; i < h->length; i++)
    if (strcmp(h->list[i].name, name) == 0) return h->list[i].value;
  return NULL;
}

void headers_add(headers* h, const char* name, const char* value) {
  for (const char* p = name; *p != 0; p++)
    if (*p <= ' ' || (*p >= 'A' && *p <= 'Z') || *p == 0x7f) VIOLATION("header name %s", name);
  for (const char* p = value; *p != 0; p++)
    if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f) VIOLATION("header %s: %s", name, value);
  h->list = realloc(h->list, (h->length + 1) * sizeof *h->list);
  h->list[h->length++] = (field){strdup(name), strdup(value)};
}

void headers_remove(headers* h, const char* name) {
  size_t kept = 0;
  for (size_t i = 0; i < h->length; i++)
    if (strcmp(h->list[i].name, name) != 0) h->list[kept++] = h->list[i];
  h->length = kept;
}

size_t headers_size(const headers* h) {
  size_t n = 0;
  for (size_t i = 0; i < h->length; i++) n += strlen(h->list[i].name) + strlen(h->list[i].value);
  return n;
}

static const char* side(const direction* d) { return d->base.is_encoding ? "response" : "request"; }

static void print_headers(const headers* h) {
  for (size_t i = 0; i < h->length; i++) {
    printf(" %s=", h->list[i].name);
    const char* v = h->list[i].value;
    if (*v == 0) fputc('-', stdout);
    for (; *v != 0; v++) printf("%02x", (unsigned char)*v);
  }
}

// The next filter gets headers first, then data, then trailers.
static void pass_headers(direction* d, bool end) {
  if (d->headers_passed) VIOLATION("request %d: headers of the %s go on twice", d->of->id, side(d));
  d->headers_passed = true;
  bool added = d->added.data != NULL;
  print("%s-headers %d %d", side(d), d->of->id, end && !added);
  print_headers(&d->message);
  print_end();
  if (added) {
    print("%s-data %d %d", side(d), d->of->id, end);
    print_bytes(d->added);
    print_end();
    bytes_clear(&d->added);
  }
}

static void pass_data(direction* d, bytes b, bool end) {
  if (!d->headers_passed) pass_headers(d, false);
  print("%s-data %d %d", side(d), d->of->id, end);
  print_bytes(b);
  print_end();
}

static void pass_tail(direction* d) {
  if (!d->headers_passed) pass_headers(d, false);
  print("%s-trailers %d", side(d), d->of->id);
  print_headers(&d->tail);
  print_end();
}

static phase phase_of(const direction* d) { return (phase)d->base.state; }

bool in_go(const direction* d) {
  phase p = phase_of(d);
  return p == PROCESSING_HEADER || p == PROCESSING_DATA || p == PROCESSING_TRAILER || d->of->in_log;
}

static void keep(direction* d, bytes b) {
  d->ever_kept = true;
  bytes_add(&d->kept, b);
  if (d->kept.length > BUFFER_LIMIT && phase_of(d) == WAITING_ALL_DATA)
    request_reply(d, d->base.is_encoding ? 500 : 413, bytes_copy("Payload Too Large", 17), &(headers){0}, -1);
}

static void let_go(direction* d, bool end) {
  if (d->chunks_length == 0 && !d->end) return;
  bytes all = {0};
  for (size_t i = 0; i < d->chunks_length; i++) bytes_add(&all, *d->chunks[i]);
  d->chunks_length = 0;
  pass_data(d, all, end);
  bytes_clear(&all);
}

// What Go has decided about the part of the message that it has. True lets it go on.
static bool decided(direction* d, status s) {
  phase was = phase_of(d);
  bool data = was == PROCESSING_DATA;
  if (s == RUNNING || s == LOCAL_REPLY) return false;
  switch (s) {
    case CONTINUE:
      d->base.state = d->do_end || was == PROCESSING_TRAILER ? DONE : WAITING_DATA;
      break;
    case STOP_AND_BUFFER:
    case STOP_AND_BUFFER_WATERMARK:
    case STOP_NO_BUFFER:
      if (was == PROCESSING_TRAILER || (s == STOP_NO_BUFFER && !data) || (data && d->do_end))
        VIOLATION("request %d: status %d in phase %d of the %s", d->of->id, s, was, side(d));
      if (s == STOP_NO_BUFFER) bytes_clear(d->chunks[--d->chunks_length]);
      d->base.state = s == STOP_AND_BUFFER ? WAITING_ALL_DATA : WAITING_DATA;
      break;
    default:
      VIOLATION("request %d: status %d", d->of->id, s);
  }
  if (data && d->has_tail && d->kept.length == 0) d->base.state = WAITING_TRAILER;
  return s == CONTINUE;
}

static bool go_headers(direction* d, bool end) {
  d->base.state = PROCESSING_HEADER;
  d->do_end = end;
  d->has_headers = true;
  status s = (status)go_envoyGoFilterOnHttpHeader(&d->base, end, d->message.length, headers_size(&d->message));
  bool done = decided(d, s);
  if (done) d->has_headers = false;
  return done;
}

static bool go_data(direction* d, bytes* data, bool end) {
  if (data == &d->kept && !d->ever_kept) VIOLATION("request %d: there is no data of the %s", d->of->id, side(d));
  if (d->chunks_length == MAX_CHUNKS) VIOLATION("request %d: %d parts", d->of->id, MAX_CHUNKS);
  bytes* chunk = malloc(sizeof *chunk);
  *chunk = bytes_copy(data->data, data->length);
  bytes_clear(data);
  d->chunks[d->chunks_length++] = chunk;
  d->base.state = PROCESSING_DATA;
  d->do_end = end;
  return decided(d, (status)go_envoyGoFilterOnHttpData(&d->base, end, (uint64_t)(uintptr_t)chunk, chunk->length));
}

static bool go_tail(direction* d) {
  d->base.state = PROCESSING_TRAILER;
  d->do_end = true;
  return decided(d, (status)go_envoyGoFilterOnHttpHeader(&d->base, 1, d->tail.length, headers_size(&d->tail)));
}

static void on_headers(direction* d, bool end) {
  d->end = end;
  if (go_headers(d, end)) pass_headers(d, end);
}

static void on_data(direction* d, bytes b, bool end) {
  d->end = end;
  switch (phase_of(d)) {
    case WAITING_DATA:
      if (go_data(d, &b, end)) let_go(d, end);
      return;
    case WAITING_ALL_DATA:
      if (!end) break;
      if (d->kept.length > 0) {
        keep(d, b);
        b = d->kept;
        d->kept = (bytes){0};
      }
      if (phase_of(d) == WAITING_ALL_DATA && go_data(d, &b, end)) let_go(d, end);
      return;
    case PROCESSING_HEADER:
    case PROCESSING_DATA:
      break;
    default:
      return;  // Envoy logs it and drops it
  }
  keep(d, b);
}

static void on_tail(direction* d) {
  d->has_tail = true;
  bool done = false;
  switch (phase_of(d)) {
    case WAITING_TRAILER:
    case WAITING_DATA:
      done = go_tail(d);
      break;
    case WAITING_ALL_DATA:
      if (d->kept.length > 0) {
        go_data(d, &d->kept, false);
        if (phase_of(d) == WAITING_TRAILER) {
          let_go(d, false);
          done = go_tail(d);
        }
      } else {
        let_go(d, false);
        done = go_tail(d);
      }
      break;
    default:
      break;
  }
  if (done) pass_tail(d);
}

void request_continue(direction* d, status s) {
  phase was = phase_of(d);
  if (!in_go(d)) VIOLATION("request %d: the %s goes on, and Go does not have it", d->of->id, side(d));
  if (decided(d, s)) {
    switch (was) {
      case PROCESSING_HEADER:
        if (d->do_end || !(d->end || d->has_tail)) pass_headers(d, d->do_end);
        break;
      case PROCESSING_DATA:
        let_go(d, d->do_end);
        break;
      default:
        let_go(d, false);
        pass_tail(d);
    }
    if (d->of->destroyed) return;
  }
  phase now = phase_of(d);
  if ((now == WAITING_DATA && (d->kept.length > 0 || d->end)) ||
      (now == WAITING_ALL_DATA && (d->end || d->has_tail))) {
    if (!go_data(d, &d->kept, d->end)) return;
    let_go(d, d->end);
  }
  if (phase_of(d) == WAITING_TRAILER && d->has_tail && go_tail(d)) pass_tail(d);
}

// A local reply, of a gRPC request as all are here (Utility::prepareLocalReply in
// source/common/http/utility.cc), with the header that the local_reply_config of every
// listener of Meltemi adds.
void request_reply(direction* d, int code, bytes body, headers* more, long long grpc) {
  request* r = d->of;
  char text[64];
  headers h = {0};
  headers_add(&h, ":status", "200");
  headers_add(&h, "content-type", "application/grpc");
  for (size_t i = 0; i < more->length; i++)
    if (*more->list[i].value != 0) headers_add(&h, more->list[i].name, more->list[i].value);
  snprintf(text, sizeof text, "%lld", grpc < 0 ? (code == 413 ? 8 : 13) : grpc);
  if (headers_get(&h, "grpc-status") == NULL) headers_add(&h, "grpc-status", text);
  bytes cause = bytes_copy(text, (size_t)snprintf(text, sizeof text, "%d - ", code));
  bytes_add(&cause, r->details);
  headers_remove(&h, "x-meltemi-cause");
  headers_add(&h, "x-meltemi-cause", cause.data);
  bytes message = bytes_copy("", 0);  // percent-encoded, as Envoy does it
  for (size_t i = 0; i < body.length; i++) {
    unsigned char c = (unsigned char)body.data[i];
    bool plain = c >= ' ' && c <= '~' && c != '%';
    int n = plain ? snprintf(text, sizeof text, "%c", c) : snprintf(text, sizeof text, "%%%02X", c);
    bytes_add(&message, (bytes){text, (size_t)n});
  }
  if (message.length > 0) headers_add(&h, "grpc-message", message.data);
  bytes_clear(&d->kept);
  d->chunks_length = 0;
  print("local %d %d", r->id, code);
  print_bytes(r->details);
  print_end();
  direction* e = &r->encode;
  bool direct = e->base.state != WAITING_HEADER;  // the response has begun: no filter sees this
  if (direct && e->headers_passed) VIOLATION("request %d: a reply after the answer went on", r->id);
  e->message = h;
  if (!d->base.is_encoding) d->base.state = WAITING_HEADER;
  if (direct)
    pass_headers(e, true);
  else
    on_headers(e, true);
}

enum { MAX_REQUESTS = 1 << 16 };
static request* requests[MAX_REQUESTS];

static request* find(const char* id) {
  request* r = requests[number(id)];
  if (r == NULL) VIOLATION("no request %s", id);
  return r;
}

typedef struct {
  httpConfig base;
  bytes name, any;
} config;

static void on_config(char** words, int is_route) {
  config* c = calloc(1, sizeof *c);
  c->name = bytes_copy(words[0], strlen(words[0]));
  c->any = bytes_of_hex(words[1]);
  c->base = (httpConfig){
      .plugin_name_ptr = (uint64_t)(uintptr_t)c->name.data,
      .plugin_name_len = c->name.length,
      .config_ptr = (uint64_t)(uintptr_t)c->any.data,
      .config_len = c->any.length,
      .is_route_config = is_route,
      .concurrency = 2,
  };
  uint64_t id = go_envoyGoFilterNewHttpPluginConfig(&c->base);
  if (id == 0)
    print("refused");
  else
    print("config %lu", (unsigned long)id);
  print_end();
}

static void run_config(char** words, int n) { (void)n, on_config(words, 0); }

static void run_route(char** words, int n) { (void)n, on_config(words, 1); }

static void run_merge(char** words, int n) {
  (void)n;
  uint64_t id = go_envoyGoFilterMergeHttpPluginConfig((uint64_t)(uintptr_t)words[0], strlen(words[0]),
                                                      (uint64_t)number(words[1]), (uint64_t)number(words[2]));
  print("config %lu", (unsigned long)id);
  print_end();
}

static void run_drop(char** words, int n) {
  (void)n;
  go_envoyGoFilterDestroyHttpPluginConfig((uint64_t)number(words[0]), 0);
}

static void run_request(char** words, int n) {
  (void)n;
  request* r = calloc(1, sizeof *r);
  r->id = number(words[0]);
  r->base.configId = (uint64_t)number(words[1]);
  char* name = strdup(words[2]);
  r->base.plugin_name = (Cstring){name, strlen(name)};
  r->decode.base.req = r->encode.base.req = &r->base;
  r->encode.base.is_encoding = 1;
  r->decode.of = r->encode.of = r;
  r->details = bytes_copy("", 0);
  requests[r->id] = r;
}

static void run_fact(char** words, int n) {
  (void)n;
  find(words[0])->facts[number(words[1])] = bytes_of_hex(words[2]).data;
}

static void run_lock(char** words, int n) {
  (void)n;
  request* r = find(words[0]);
  r->decode.locked = r->encode.locked = true;
}

static void parse(headers* h, char** words, int n) {
  for (int i = 0; i < n; i++) {
    char* equals = strrchr(words[i], '=');
    *equals = 0;
    headers_add(h, words[i], bytes_of_hex(equals + 1).data);
  }
}

static void run_headers(direction* d, char** words, int n) {
  parse(&d->message, words + 2, n - 2);
  on_headers(d, number(words[1]));
}

static void run_request_headers(char** words, int n) { run_headers(&find(words[0])->decode, words, n); }

static void run_response_headers(char** words, int n) {
  direction* d = &find(words[0])->encode;
  if (d->base.state == WAITING_HEADER) run_headers(d, words, n);  // else it was answered meanwhile
}

static void run_request_data(char** words, int n) {
  (void)n;
  on_data(&find(words[0])->decode, bytes_of_hex(words[2]), number(words[1]));
}

static void run_response_data(char** words, int n) {
  (void)n;
  on_data(&find(words[0])->encode, bytes_of_hex(words[2]), number(words[1]));
}

static void run_tail(direction* d, char** words, int n) {
  parse(&d->tail, words + 1, n - 1);
  on_tail(d);
}

static void run_request_trailers(char** words, int n) { run_tail(&find(words[0])->decode, words, n); }

static void run_response_trailers(char** words, int n) { run_tail(&find(words[0])->encode, words, n); }

static void destroy(request* r) {
  r->destroyed = true;
  go_envoyGoFilterOnHttpDestroy(&r->base, in_go(&r->decode) || in_go(&r->encode));
  print("destroyed %d", r->id);
  print_end();
}

enum { DOWNSTREAM_END = 6 };  // api.AccessLogDownstreamEnd

static void run_end(char** words, int n) {
  (void)n;
  request* r = find(words[0]);
  direction *d = &r->decode, *e = &r->encode;
  r->in_log = r->base.is_golang_processing_log = true;
  d->has_headers = e->has_headers = true;
  go_envoyGoFilterOnHttpLog(&r->base, DOWNSTREAM_END, &d->base, &e->base, d->message.length, headers_size(&d->message), d->tail.length,
                            headers_size(&d->tail), e->message.length, headers_size(&e->message), e->tail.length,
                            headers_size(&e->tail));
  go_envoyGoFilterOnHttpStreamComplete(&r->base);
  r->in_log = r->base.is_golang_processing_log = false;
  destroy(r);
}

static void run_destroy(char** words, int n) { (void)n, destroy(find(words[0])); }

extern void print_metric(const char* name);

static void run_metric(char** words, int n) { (void)n, print_metric(words[0]); }

static void run_garbage(char** words, int n) {
  (void)words, (void)n;
  go_envoyGoFilterCleanUp();
  int left = network_garbage();
  for (int i = 0; i < MAX_REQUESTS; i++)
    if (requests[i] != NULL && requests[i]->destroyed && !requests[i]->finalized) left++;
  print("garbage %d", left);
  print_end();
}

const command http_commands[] = {
    {"config", &worker, run_config},
    {"route", &worker, run_route},
    {"merge", &worker, run_merge},
    {"drop", &worker, run_drop},
    {"request", &worker, run_request},
    {"fact", &worker, run_fact},
    {"lock", &worker, run_lock},
    {"request-headers", &worker, run_request_headers},
    {"request-data", &worker, run_request_data},
    {"request-trailers", &worker, run_request_trailers},
    {"response-headers", &worker, run_response_headers},
    {"response-data", &worker, run_response_data},
    {"response-trailers", &worker, run_response_trailers},
    {"end", &worker, run_end},
    {"destroy", &worker, run_destroy},
    {"metric", &worker, run_metric},
    {"garbage", &worker, run_garbage},
    {NULL, NULL, NULL},
};
