// The commands of the network filter.
//
//   network-config ANY         its configuration: "config ID"
//   connection ID PLUGIN CONFIG  a client connection
//   read ID BYTES...           bytes of the client, in that many slices of Envoy's buffer
//   event ID 0|1               it was closed, by the client or by Envoy
//   upstream-ready ID          a connection to a server is there, or not:
//   upstream-failed ID
//   upstream-read ID BYTES...
//   upstream-event ID 0|1
//
// What Go asks for is printed as "write ID BYTES", "close ID", "upstream-connect 0 ID
// ADDRESS", "upstream-write ID BYTES" and "upstream-close ID".

#include "host.h"

#include "libgolang.h"

#define EXPORT(name) static __typeof__(name)* go_##name
EXPORT(envoyGoFilterOnNetworkFilterConfig);
EXPORT(envoyGoFilterOnDownstreamConnection);
EXPORT(envoyGoFilterOnDownstreamData);
EXPORT(envoyGoFilterOnDownstreamEvent);
EXPORT(envoyGoFilterOnUpstreamConnectionReady);
EXPORT(envoyGoFilterOnUpstreamConnectionFailure);
EXPORT(envoyGoFilterOnUpstreamData);
EXPORT(envoyGoFilterOnUpstreamEvent);

void network_load(void) {
#define LOAD(name) go_##name = symbol(#name)
  LOAD(envoyGoFilterOnNetworkFilterConfig);
  LOAD(envoyGoFilterOnDownstreamConnection);
  LOAD(envoyGoFilterOnDownstreamData);
  LOAD(envoyGoFilterOnDownstreamEvent);
  LOAD(envoyGoFilterOnUpstreamConnectionReady);
  LOAD(envoyGoFilterOnUpstreamConnectionFailure);
  LOAD(envoyGoFilterOnUpstreamData);
  LOAD(envoyGoFilterOnUpstreamEvent);
}

// Either kind of connection; Go knows it by its address.
typedef struct {
  int id;
  uint64_t go_id;  // Go's number of an upstream connection
  bool upstream, ready, closed, finalized;
} connection;

enum { MAX_CONNECTIONS = 1 << 16, LOCAL_CLOSE = 1 };
static connection *clients[MAX_CONNECTIONS], *servers[MAX_CONNECTIONS];
static int servers_length;
static pthread_mutex_t numbering = PTHREAD_MUTEX_INITIALIZER;

static connection* find(connection** list, const char* id) {
  pthread_mutex_lock(&numbering);
  connection* c = list[number(id)];
  pthread_mutex_unlock(&numbering);
  if (c == NULL) VIOLATION("no connection %s", id);
  return c;
}

static const char library[] = "library";

static void run_config(char** words, int n) {
  (void)n;
  bytes any = bytes_of_hex(words[0]);
  print("config %lu", (unsigned long)go_envoyGoFilterOnNetworkFilterConfig(
                          (uint64_t)(uintptr_t)library, sizeof library - 1, (uint64_t)(uintptr_t)any.data, any.length));
  print_end();
}

static void run_connection(char** words, int n) {
  (void)n;
  connection* c = calloc(1, sizeof *c);
  c->id = number(words[0]);
  c->ready = true;
  clients[c->id] = c;
  go_envoyGoFilterOnDownstreamConnection(c, (uint64_t)(uintptr_t)words[1], strlen(words[1]), (uint64_t)number(words[2]));
}

// Envoy's buffers come in slices, as pairs of address and length.
static void run_read(connection* c, char** words, int n) {
  unsigned long long slices[2 * 64];
  uint64_t size = 0;
  if (n > 64) VIOLATION("%d slices", n);
  for (int i = 0; i < n; i++) {
    bytes b = bytes_of_hex(words[i]);
    slices[2 * i] = (unsigned long long)(uintptr_t)b.data;
    slices[2 * i + 1] = b.length;
    size += b.length;
  }
  if (c->closed) return;
  if (c->upstream)
    go_envoyGoFilterOnUpstreamData(c, size, (uint64_t)(uintptr_t)slices, n, 0);
  else if (go_envoyGoFilterOnDownstreamData(c, size, (uint64_t)(uintptr_t)slices, n, 0) != 1)
    VIOLATION("connection %d: the last filter lets data go on", c->id);
  for (int i = 0; i < n; i++) {  // what Go was lent
    memset((void*)(uintptr_t)slices[2 * i], 0xdb, slices[2 * i + 1]);
    free((void*)(uintptr_t)slices[2 * i]);
  }
}

static void end(connection* c, int event) {
  if (c->closed) return;
  c->closed = true;
  if (c->upstream)
    go_envoyGoFilterOnUpstreamEvent(c, event);
  else
    go_envoyGoFilterOnDownstreamEvent(c, event);
}

static void run_client_read(char** words, int n) { run_read(find(clients, words[0]), words + 1, n - 1); }

static void run_server_read(char** words, int n) { run_read(find(servers, words[0]), words + 1, n - 1); }

static void run_client_event(char** words, int n) { (void)n, end(find(clients, words[0]), number(words[1])); }

static void run_server_event(char** words, int n) { (void)n, end(find(servers, words[0]), number(words[1])); }

static void run_ready(char** words, int n) {
  (void)n;
  connection* c = find(servers, words[0]);
  c->ready = true;
  go_envoyGoFilterOnUpstreamConnectionReady(c, c->go_id);
}

static void run_failed(char** words, int n) {
  (void)n;
  connection* c = find(servers, words[0]);
  go_envoyGoFilterOnUpstreamConnectionFailure(c, 1, c->go_id);
}

int network_garbage(void) {
  int left = 0;
  pthread_mutex_lock(&numbering);
  for (int i = 0; i < MAX_CONNECTIONS; i++) {
    if (clients[i] != NULL && clients[i]->closed && !clients[i]->finalized) left++;
    if (servers[i] != NULL && servers[i]->closed && !servers[i]->finalized) left++;
  }
  pthread_mutex_unlock(&numbering);
  return left;
}

const command network_commands[] = {
    {"network-config", &worker, run_config},
    {"connection", &worker, run_connection},
    {"read", &worker, run_client_read},
    {"event", &worker, run_client_event},
    {"upstream-ready", &other_worker, run_ready},
    {"upstream-failed", &other_worker, run_failed},
    {"upstream-read", &other_worker, run_server_read},
    {"upstream-event", &other_worker, run_server_event},
    {NULL, NULL, NULL},
};

// What Envoy offers to Go (contrib/golang/filters/network/source/cgo.cc), on any thread.

static connection* live(void* wrapper, bool upstream) {
  connection* c = wrapper;
  if (c->finalized) VIOLATION("connection %d is used after its memory was given back", c->id);
  if (c->upstream != upstream) VIOLATION("connection %d is of the other kind", c->id);
  if (!c->ready) VIOLATION("connection %d is used before it is there", c->id);
  return c;
}

typedef struct {
  connection* c;
  bytes data;
} writing;

static void write_now(void* argument) {
  writing* w = argument;
  if (!w->c->closed) {
    print("%swrite %d", w->c->upstream ? "upstream-" : "", w->c->id);
    print_bytes(w->data);
    print_end();
  }
  bytes_clear(&w->data);
  free(w);
}

static void close_now(void* argument) {
  connection* c = argument;
  if (c->closed) return;
  print("%sclose %d", c->upstream ? "upstream-" : "", c->id);
  print_end();
  end(c, LOCAL_CLOSE);
}

static CAPIStatus write_later(connection* c, void* data, int length, int end_stream) {
  if (end_stream) VIOLATION("connection %d is half-closed", c->id);
  writing* w = malloc(sizeof *w);
  *w = (writing){c, bytes_copy(data, (size_t)length)};
  post(c->upstream ? &other_worker : &worker, write_now, w);
  return CAPIOK;
}

CAPIStatus envoyGoFilterDownstreamWrite(void* f, void* data, int length, int end_stream) {
  return write_later(live(f, false), data, length, end_stream);
}

CAPIStatus envoyGoFilterUpstreamWrite(void* u, void* data, int length, int end_stream) {
  return write_later(live(u, true), data, length, end_stream);
}

CAPIStatus envoyGoFilterDownstreamClose(void* f, int how) {
  (void)how;
  return post(&worker, close_now, live(f, false)), CAPIOK;
}

CAPIStatus envoyGoFilterUpstreamClose(void* u, int how) {
  (void)how;
  return post(&other_worker, close_now, live(u, true)), CAPIOK;
}

static void finalize(connection* c) {
  if (c->finalized) VIOLATION("connection %d is given back twice", c->id);
  if (c->ready && !c->closed) VIOLATION("connection %d is given back while it is there", c->id);
  c->finalized = true;
}

void envoyGoFilterDownstreamFinalize(void* f, int reason) { (void)reason, finalize(f); }

void envoyGoFilterUpstreamFinalize(void* u, int reason) { (void)reason, finalize(u); }

typedef struct {
  const char* data;
  ptrdiff_t length;
} go_string;

static CAPIStatus info(int what, void* into) {
  const char* text = what == 0 ? "127.0.0.1:20880" : "127.0.0.1:40000";
  *(go_string*)into = (go_string){text, (ptrdiff_t)strlen(text)};
  return CAPIOK;
}

CAPIStatus envoyGoFilterDownstreamInfo(void* f, int what, void* into) { return live(f, false), info(what, into); }

CAPIStatus envoyGoFilterUpstreamInfo(void* u, int what, void* into) { return live(u, true), info(what, into); }

void* envoyGoFilterUpstreamConnect(void* id, void* address, uint64_t go_id) {
  const go_string *name = id, *to = address;
  if (name->length != sizeof library - 1 || memcmp(name->data, library, sizeof library - 1) != 0)
    VIOLATION("a connection for the library %.*s", (int)name->length, name->data);
  connection* c = calloc(1, sizeof *c);
  c->upstream = true;
  c->go_id = go_id;
  pthread_mutex_lock(&numbering);
  c->id = servers_length++;
  servers[c->id] = c;
  pthread_mutex_unlock(&numbering);
  print("upstream-connect 0 %d", c->id);
  print_bytes((bytes){(char*)to->data, (size_t)to->length});
  print_end();
  return c;
}

CAPIStatus envoyGoFilterUpstreamConnEnableHalfClose(void* u, int enabled) {
  (void)u, (void)enabled;
  VIOLATION("half-close");
}

CAPIStatus envoyGoFilterSetFilterState(void* f, void* key, void* value, int type, int span, int sharing) {
  (void)f, (void)key, (void)value, (void)type, (void)span, (void)sharing;
  VIOLATION("filter state is set");
}

CAPIStatus envoyGoFilterGetFilterState(void* f, void* key, void* value) {
  (void)f, (void)key, (void)value;
  VIOLATION("filter state is read");
}
