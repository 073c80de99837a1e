// What Envoy's HTTP filter offers to Go (contrib/golang/filters/http/source/cgo.cc). Most
// of it may be called on any thread: then it is done later, on the worker.

#include "http.h"

static request* live(void* r) {
  request* q = r;
  if (q->finalized) VIOLATION("request %d is used after its memory was given back", q->id);
  return q;
}

// Why the direction cannot be asked for anything now; CAPIOK if it can.
static CAPIStatus busy(void* s, direction** d) {
  *d = s;
  request* r = live((*d)->base.req);
  if (!in_go(*d)) return CAPINotInGo;
  return r->destroyed ? CAPIFilterIsDestroy : CAPIOK;
}

static CAPIStatus busy_request(void* p, request** r) {
  *r = live(p);
  if (!in_go(&(*r)->decode) && !in_go(&(*r)->encode)) return CAPINotInGo;
  return (*r)->destroyed ? CAPIFilterIsDestroy : CAPIOK;
}

// Something to be done to a direction on the worker.
typedef struct {
  void (*run)(void* later);
  direction* d;
  request* r;
  int number;
  long long grpc;
  bytes first, second, third;
  headers headers;
} later;

static void run_later(void* argument) {
  later* l = argument;
  if (!l->r->destroyed) l->run(l);
  free(l);
}

static void do_later(later l) {
  later* copy = malloc(sizeof *copy);
  *copy = l;
  post(&worker, run_later, copy);
}

// At once on the worker, later elsewhere.
static void do_it(later l) {
  if (is_on(&worker))
    l.run(&l);
  else
    do_later(l);
}

static void continues(void* argument) {
  later* l = argument;
  request_continue(l->d, (status)l->number);
}

CAPIStatus envoyGoFilterHttpContinue(void* s, int status) {
  direction* d;
  CAPIStatus why = busy(s, &d);
  if (why == CAPIOK) do_later((later){.run = continues, .d = d, .r = d->of, .number = status});
  return why;
}

static void replies(void* argument) {
  later* l = argument;
  l->r->details = l->second;
  request_reply(l->d, l->number, l->first, &l->headers, l->grpc);
}

CAPIStatus envoyGoFilterHttpSendLocalReply(void* s, int code, void* body, int body_length, void* list, int list_length,
                                           long long grpc, void* details, int details_length) {
  direction* d;
  CAPIStatus why = busy(s, &d);
  if (why != CAPIOK) return why;
  later l = {.run = replies, .d = d, .r = d->of, .number = code, .grpc = grpc};
  if (code < 200 || code > 599) VIOLATION("a reply with status %d", code);
  const struct {
    const char* data;
    ptrdiff_t length;
  }* strings = list;
  for (int i = 0; i < list_length; i += 2)
    headers_add(&l.headers, bytes_copy(strings[i].data, (size_t)strings[i].length).data,
                bytes_copy(strings[i + 1].data, (size_t)strings[i + 1].length).data);
  l.first = bytes_copy(body, (size_t)body_length);
  l.second = bytes_copy(details, (size_t)details_length);
  do_later(l);
  return CAPIOK;
}

// Envoy's Go package sends it after a panic that it has caught itself.
CAPIStatus envoyGoFilterHttpSendPanicReply(void* s, void* details, int length) {
  (void)s;
  VIOLATION("a panic came through: %.*s", length, (char*)details);
}

CAPIStatus envoyGoFilterHttpAddData(void* s, void* data, int length, bool streaming) {
  (void)streaming;
  direction* d;
  CAPIStatus why = busy(s, &d);
  if (why != CAPIOK) return why;
  if (!is_on(&worker) || d->base.state != PROCESSING_HEADER) VIOLATION("data is added in phase %d", d->base.state);
  bytes_add(&d->added, (bytes){data, (size_t)length});
  return CAPIOK;
}

CAPIStatus envoyGoFilterHttpInjectData(void* s, void* data, int length) {
  (void)s, (void)data, (void)length;
  VIOLATION("data is injected");
}

CAPIStatus envoyGoFilterHttpGetHeader(void* s, void* key, int key_length, uint64_t* value, int* value_length) {
  direction* d;
  CAPIStatus why = busy(s, &d);
  if (why != CAPIOK) return why;
  if (!d->has_headers) return CAPIInvalidPhase;
  const char* v = headers_get(&d->message, bytes_copy(key, (size_t)key_length).data);
  if (v != NULL) {
    *value = (uint64_t)(uintptr_t)v;
    *value_length = (int)strlen(v);
  }
  return CAPIOK;
}

static CAPIStatus copy(const headers* h, void* into, char* arena) {
  struct {
    char* data;
    ptrdiff_t length;
  }* strings = into;
  for (size_t i = 0; i < 2 * h->length; i++) {
    const char* text = i % 2 == 0 ? h->list[i / 2].name : h->list[i / 2].value;
    strings[i].length = (ptrdiff_t)strlen(text);
    if (*text == 0) continue;
    strings[i].data = arena;
    memcpy(arena, text, strlen(text));
    arena += strlen(text);
  }
  return CAPIOK;
}

CAPIStatus envoyGoFilterHttpCopyHeaders(void* s, void* strings, void* arena) {
  direction* d;
  CAPIStatus why = busy(s, &d);
  if (why != CAPIOK) return why;
  return d->has_headers ? copy(&d->message, strings, arena) : CAPIInvalidPhase;
}

CAPIStatus envoyGoFilterHttpCopyTrailers(void* s, void* strings, void* arena) {
  direction* d;
  CAPIStatus why = busy(s, &d);
  if (why != CAPIOK) return why;
  return d->has_tail ? copy(&d->tail, strings, arena) : CAPIInvalidPhase;
}

static void sets(void* argument) {
  later* l = argument;
  headers_remove(&l->d->message, l->first.data);
  headers_add(&l->d->message, l->first.data, l->second.data);
}

static void removes(void* argument) {
  later* l = argument;
  headers_remove(&l->d->message, l->first.data);
}

CAPIStatus envoyGoFilterHttpSetHeaderHelper(void* s, void* key, int key_length, void* value, int value_length,
                                            headerAction action) {
  direction* d;
  CAPIStatus why = busy(s, &d);
  if (why != CAPIOK) return why;
  if (!d->has_headers || d->headers_passed || d->locked) return CAPIInvalidPhase;
  if (action != HeaderSet || value_length == 0) VIOLATION("a header is added, or set to nothing");
  do_it((later){.run = sets, .d = d, .r = d->of, .first = bytes_copy(key, (size_t)key_length),
                .second = bytes_copy(value, (size_t)value_length)});
  return CAPIOK;
}

CAPIStatus envoyGoFilterHttpRemoveHeader(void* s, void* key, int key_length) {
  direction* d;
  CAPIStatus why = busy(s, &d);
  if (why != CAPIOK) return why;
  if (!d->has_headers || d->headers_passed || d->locked) return CAPIInvalidPhase;
  do_it((later){.run = removes, .d = d, .r = d->of, .first = bytes_copy(key, (size_t)key_length)});
  return CAPIOK;
}

// The part of the message that Go was given last.
static bytes* chunk(direction* d, uint64_t pointer) {
  for (size_t i = 0; i < d->chunks_length; i++)
    if ((uint64_t)(uintptr_t)d->chunks[i] == pointer) return d->chunks[i];
  VIOLATION("request %d: data that Go does not have", d->of->id);
}

CAPIStatus envoyGoFilterHttpGetBuffer(void* s, uint64_t pointer, void* value) {
  direction* d;
  CAPIStatus why = busy(s, &d);
  if (why != CAPIOK) return why;
  bytes* b = chunk(d, pointer);
  memcpy(value, b->data, b->length);
  return CAPIOK;
}

CAPIStatus envoyGoFilterHttpDrainBuffer(void* s, uint64_t pointer, uint64_t length) {
  (void)s, (void)pointer, (void)length;
  VIOLATION("a buffer is drained");
}

CAPIStatus envoyGoFilterHttpSetBufferHelper(void* s, uint64_t pointer, void* data, int length, bufferAction action) {
  direction* d;
  CAPIStatus why = busy(s, &d);
  if (why != CAPIOK) return why;
  if (action != Set) VIOLATION("a buffer is added to");
  bytes* b = chunk(d, pointer);
  bytes_clear(b);
  *b = bytes_copy(data, (size_t)length);
  return CAPIOK;
}

CAPIStatus envoyGoFilterHttpSetTrailer(void* s, void* key, int key_length, void* value, int value_length,
                                       headerAction action) {
  (void)s, (void)key, (void)key_length, (void)value, (void)value_length, (void)action;
  VIOLATION("a trailer is set");
}

CAPIStatus envoyGoFilterHttpRemoveTrailer(void* s, void* key, int key_length) {
  (void)s, (void)key, (void)key_length;
  VIOLATION("a trailer is removed");
}

CAPIStatus envoyGoFilterHttpSetUpstreamOverrideHost(void* s, void* host, int length, bool strict) {
  (void)s, (void)host, (void)length, (void)strict;
  VIOLATION("a host is chosen");
}

static void reroutes(void* argument) {
  print("rerouted %d", ((later*)argument)->r->id);
  print_end();
}

CAPIStatus envoyGoFilterHttpClearRouteCache(void* p, bool refresh) {
  request* r;
  CAPIStatus why = busy_request(p, &r);
  if (why != CAPIOK) return why;
  if (refresh || r->decode.headers_passed) VIOLATION("request %d: its route is chosen again too late", r->id);
  do_it((later){.run = reroutes, .r = r});
  return CAPIOK;
}

static CAPIStatus give(request* r, const char* text, uint64_t* value, int* length) {
  if (text == NULL) return CAPIValueNotFound;
  bytes_clear(&r->value);  // what Go was given before must not be read any more
  r->value = bytes_copy(text, strlen(text));
  *value = (uint64_t)(uintptr_t)r->value.data;
  *length = (int)r->value.length;
  return CAPIOK;
}

CAPIStatus envoyGoFilterHttpGetStringValue(void* p, int id, uint64_t* value, int* length) {
  enum { ROUTE_NAME = 1, RESPONSE_CODE_DETAILS = 5 };
  request* r;
  CAPIStatus why = busy_request(p, &r);
  if (why != CAPIOK) return why;
  if (id == RESPONSE_CODE_DETAILS && r->details.length > 0) return give(r, r->details.data, value, length);
  return give(r, r->facts[id] == NULL && id == ROUTE_NAME ? "" : r->facts[id], value, length);
}

CAPIStatus envoyGoFilterHttpGetIntegerValue(void* p, int id, uint64_t* value) {
  enum { SSL_CONNECTION_EXISTS = 100 };
  request* r;
  CAPIStatus why = busy_request(p, &r);
  if (why != CAPIOK) return why;
  if (id != SSL_CONNECTION_EXISTS) VIOLATION("the number %d of a request", id);
  *value = r->facts[id] != NULL;
  return CAPIOK;
}

// These wait for the worker, wherever they are called; and a goroutine that holds a lock
// must not.
static void on_worker(const char* what) {
  if (!is_on(&worker)) VIOLATION("%s on a thread of Go", what);
}

CAPIStatus envoyGoFilterHttpGetStringProperty(void* p, void* key, int key_length, uint64_t* value, int* length, int* rc) {
  (void)rc;
  on_worker("a property");
  request* r;
  CAPIStatus why = busy_request(p, &r);
  if (why != CAPIOK) return why;
  if (strcmp(bytes_copy(key, (size_t)key_length).data, "response.flags") != 0) return CAPIValueNotFound;
  return give(r, r->facts[REQUEST_FLAGS] == NULL ? "0" : r->facts[REQUEST_FLAGS], value, length);
}

CAPIStatus envoyGoFilterHttpGetDynamicMetadata(void* p, void* name, int name_length, uint64_t* value, int* length) {
  (void)p, (void)name, (void)name_length, (void)value, (void)length;
  VIOLATION("dynamic metadata is read");
}

static void notes(void* argument) {
  later* l = argument;
  print("note %d", l->r->id);
  print_bytes(l->first);
  print_bytes(l->second);
  print_bytes(l->third);
  print_end();
}

CAPIStatus envoyGoFilterHttpSetDynamicMetadata(void* p, void* name, int name_length, void* key, int key_length, void* value,
                                               int value_length) {
  request* r;
  CAPIStatus why = busy_request(p, &r);
  if (why != CAPIOK) return why;
  do_it((later){.run = notes, .r = r, .first = bytes_copy(name, (size_t)name_length),
                .second = bytes_copy(key, (size_t)key_length), .third = bytes_copy(value, (size_t)value_length)});
  return CAPIOK;
}

void envoyGoFilterHttpFinalize(void* p, int reason) {
  (void)reason;
  request* r = live(p);
  if (!r->destroyed) VIOLATION("request %d is given back while it is there", r->id);
  r->finalized = true;
}

CAPIStatus envoyGoFilterHttpSetStringFilterState(void* p, void* key, int key_length, void* value, int value_length, int type,
                                                 int span, int sharing) {
  (void)p, (void)key, (void)key_length, (void)value, (void)value_length, (void)type, (void)span, (void)sharing;
  VIOLATION("filter state is set");
}

CAPIStatus envoyGoFilterHttpGetStringFilterState(void* p, void* key, int key_length, uint64_t* value, int* length) {
  (void)p, (void)key, (void)key_length, (void)value, (void)length;
  VIOLATION("filter state is read");
}

CAPIStatus envoyGoFilterHttpGetStringSecret(void* p, void* key, int key_length, uint64_t* value, int* length) {
  (void)p, (void)key, (void)key_length, (void)value, (void)length;
  VIOLATION("a secret is read");
}

CAPIStatus envoyGoFilterHttpSetDrainConnectionUponCompletion(void* p) {
  (void)p;
  VIOLATION("a connection is drained");
}

// Metrics. A name is one metric, whoever defines it; its kind is in the low bits of its id.
enum { MAX_METRICS = 4096, KIND_BITS = 2 };
static struct {
  char* name;
  uint32_t kind;
  int64_t value;
} metrics[MAX_METRICS];
static uint32_t metrics_length;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

void envoyGoConfigHttpFinalize(void* c) { (void)c; }

CAPIStatus envoyGoFilterHttpDefineMetric(void* c, uint32_t kind, void* name, int length, uint32_t* id) {
  (void)c;
  bytes text = bytes_copy(name, (size_t)length);
  pthread_mutex_lock(&counting);
  uint32_t i = 0;
  while (i < metrics_length && strcmp(metrics[i].name, text.data) != 0) i++;
  if (i == MAX_METRICS) VIOLATION("more than %d metrics", MAX_METRICS);
  if (i == metrics_length) {
    metrics[i].name = text.data;
    metrics[i].kind = kind;
    metrics_length++;
  }
  if (metrics[i].kind != kind) VIOLATION("metric %s is of two kinds", text.data);
  *id = i << KIND_BITS | kind;
  pthread_mutex_unlock(&counting);
  return CAPIOK;
}

static CAPIStatus count(uint32_t id, int64_t value, bool set) {
  pthread_mutex_lock(&counting);
  uint32_t i = id >> KIND_BITS;
  if (i >= metrics_length) VIOLATION("metric %u was never defined", i);
  if (metrics[i].kind == 0 && (set || value < 0)) VIOLATION("counter %s is set, or goes down", metrics[i].name);
  metrics[i].value = set ? value : metrics[i].value + value;
  if (metrics[i].value < 0) VIOLATION("%s is %ld", metrics[i].name, (long)metrics[i].value);
  pthread_mutex_unlock(&counting);
  return CAPIOK;
}

CAPIStatus envoyGoFilterHttpIncrementMetric(void* c, uint32_t id, int64_t n) { return (void)c, count(id, n, false); }

CAPIStatus envoyGoFilterHttpRecordMetric(void* c, uint32_t id, uint64_t n) { return (void)c, count(id, (int64_t)n, true); }

CAPIStatus envoyGoFilterHttpGetMetric(void* c, uint32_t id, uint64_t* value) {
  (void)c, (void)id, (void)value;
  VIOLATION("a metric is read");
}

void print_metric(const char* name) {
  pthread_mutex_lock(&counting);
  int64_t value = 0;
  for (uint32_t i = 0; i < metrics_length; i++)
    if (strcmp(metrics[i].name, name) == 0) value = metrics[i].value;
  pthread_mutex_unlock(&counting);
  print("metric %ld", (long)value);
  print_end();
}
