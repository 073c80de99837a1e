// What the C files of this package share: the objects that Envoy holds for us,
// and how a hook hands the bytes of Envoy to Go and the results of Go to Envoy.
//
// Each hook of Envoy crosses into Go once. The hook collects Envoy's buffers in C,
// Go fills a meltemi_*_output whose bytes lie in C memory (an arena), and the hook
// carries it out. So Go never calls back into Envoy while it holds an engine, and
// no Go pointer ever reaches C.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

// Newer than the vendored header (1.38) and in every supported Envoy (>= 1.39).
extern size_t envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_request_buffer_chunks_size(
    envoy_dynamic_module_type_upstream_http_tcp_bridge_envoy_ptr bridge_envoy_ptr);
extern size_t
envoy_dynamic_module_callback_upstream_http_tcp_bridge_get_response_buffer_chunks_size(
    envoy_dynamic_module_type_upstream_http_tcp_bridge_envoy_ptr bridge_envoy_ptr);

extern envoy_dynamic_module_type_metrics_result
envoy_dynamic_module_callback_network_filter_config_set_gauge(
    envoy_dynamic_module_type_network_filter_config_envoy_ptr config_envoy_ptr, size_t id,
    uint64_t value);

typedef envoy_dynamic_module_type_envoy_buffer meltemi_buffer;
typedef envoy_dynamic_module_type_envoy_http_header meltemi_header;

// The chunks of one of Envoy's buffers. Few of them need no memory of their own.
typedef struct {
  meltemi_buffer few[32];
  meltemi_buffer* list;
  size_t length;
} meltemi_chunks;

// Makes room for length chunks, which the caller then fetches into list. Aborts the
// process if there is no memory, as Envoy itself does.
void meltemi_chunks_init(meltemi_chunks* chunks, size_t length);
void meltemi_chunks_free(meltemi_chunks* chunks);

// Bytes in C memory that live from a call into Go until the hook has used them.
// Hooks nest (a response makes Envoy write to the client, which is a hook of its
// own), so each hook takes an arena of its own from its thread's list.
typedef struct meltemi_arena {
  struct meltemi_arena* next;
  char* bytes;
  size_t capacity;
} meltemi_arena;

meltemi_arena* meltemi_arena_take(void);
void meltemi_arena_give(meltemi_arena* arena);
// Makes room for at least size bytes; what was there before is lost. Aborts the
// process if there is no memory, as Envoy itself does.
void meltemi_arena_reserve(meltemi_arena* arena, size_t size);

// Room for the changes of two edges: a connection's, and what its worker has gathered.
enum { MELTEMI_MAX_COUNTS = 96 };

// A change of one of Envoy's metrics: a counter, or the gauge of open calls.
typedef struct {
  size_t id;
  int64_t delta;
  bool gauge;
} meltemi_count;

enum { MELTEMI_CLOSE_NONE = 0, MELTEMI_CLOSE_AFTER_FLUSH = 1, MELTEMI_CLOSE_NOW = 2 };
enum { MELTEMI_READ_UNCHANGED = 0, MELTEMI_READ_PAUSE = 1, MELTEMI_READ_RESUME = 2 };

// What Go wants done on a downstream connection. The arena holds peer_length bytes
// for the client and, behind them, http_length bytes for the connection manager.
typedef struct {
  meltemi_arena* arena;
  size_t peer_length;
  size_t http_length;
  uint32_t close;
  uint32_t reading;
  bool pass_through;
  bool hurry;  // nothing may be held back from the client
  size_t counts_length;
  meltemi_count* counts;  // room for MELTEMI_MAX_COUNTS, the hook's
} meltemi_network_output;

// How much may wait for a client, in bytes.
typedef struct {
  uint32_t low;    // Envoy's buffer counts as low up to here
  uint32_t most;   // what Envoy's buffer may get on top of that
  uint32_t limit;  // for Envoy's buffers
} meltemi_marks;

// A downstream connection as Envoy knows it (network_filter_module_ptr).
typedef struct {
  uint64_t handle;    // Go's connection; 0 before it is open and after it failed
  uint64_t config;    // Go's configuration
  bool pass_through;  // plain HTTP: Go is not asked any more
  bool paused;        // the edge wants no more bytes for now

  // What the client has not read yet (pressure.c).
  uint32_t usual;  // Envoy's own limit of the connection's buffers
  meltemi_marks marks;
  size_t written;  // to Envoy, since its buffer was seen to be low
  bool looking;    // a look is due
  bool above;      // scratch of a look: Envoy's buffer is over the mark
  bool drowning;   // the client does not read what it is sent
  char* backlog;   // bytes for the client that Envoy has not been given
  size_t backlog_start, backlog_end, backlog_capacity;
} meltemi_network;

// What Go wants done for an upstream request. The arena holds, in this order, the
// headers and trailers as arrays, to_server_length bytes for the server, and
// body_length bytes for the response.
typedef struct {
  meltemi_arena* arena;
  envoy_dynamic_module_type_module_http_header* headers;
  size_t headers_length;
  envoy_dynamic_module_type_module_http_header* trailers;
  size_t trailers_length;
  const char* to_server;
  size_t to_server_length;
  const char* body;
  size_t body_length;
  uint32_t status;  // HTTP status of the response, 0: no response now
  bool end;         // whether the response ends here; false leaves it open
  bool hang_up;     // close our side of the server's connection, which is not used again
} meltemi_bridge_output;

// An upstream request as Envoy knows it (upstream_http_tcp_bridge_module_ptr).
typedef struct {
  uint64_t handle;
  uint64_t callout;  // Envoy's id of the one whose response Go waits for, 0 if it has none
  bool* destroyed;   // set while a hook works on this object: the hook's flag
} meltemi_bridge;

// Calls that Go makes. They are thin, so that Go does not build Envoy's structs.
void meltemi_log(int level, const char* text, size_t length);
bool meltemi_log_enabled(int level);
size_t meltemi_define(void* config, const char* name, size_t length, bool gauge);
void* meltemi_scheduler_new(void* network);
void meltemi_scheduler_commit(void* scheduler, uint64_t event);
void meltemi_scheduler_delete(void* scheduler);
// Those of a configuration of the network filter. Commit may be called on any thread.
void* meltemi_config_scheduler_new(void* config);
void meltemi_config_scheduler_commit(void* scheduler);
void meltemi_config_scheduler_delete(void* scheduler);
void meltemi_config_set_gauge(void* config, size_t id, uint64_t value);

// Events of a network filter's scheduler.
enum { MELTEMI_EVENT_WAKE = 1, MELTEMI_EVENT_DEFERRED = 2, MELTEMI_EVENT_LOOK = 3 };

// What a listener filter says of a connection.
enum { MELTEMI_PROTOCOL_UNDECIDED = -1, MELTEMI_PROTOCOL_HTTP2 = 0, MELTEMI_PROTOCOL_HTTP1 = 1 };

// The bytes for a client, on their way to Envoy (pressure.c).
typedef envoy_dynamic_module_type_network_filter_envoy_ptr meltemi_network_envoy;
void meltemi_pressure_begin(meltemi_network_envoy envoy, meltemi_network* n,
                            const meltemi_marks* marks);
// Sends them from any hook but that of Envoy's write, and from that.
void meltemi_pressure_send(meltemi_network_envoy envoy, meltemi_network* n,
                           envoy_dynamic_module_type_module_buffer bytes, bool hurry);
void meltemi_pressure_write(meltemi_network_envoy envoy, meltemi_network* n,
                            envoy_dynamic_module_type_module_buffer bytes, bool hurry);
void meltemi_pressure_look(meltemi_network_envoy envoy, meltemi_network* n);
// The connection turned out to be HTTP, whose first bytes these are.
void meltemi_pressure_end(meltemi_network_envoy envoy, meltemi_network* n,
                          envoy_dynamic_module_type_module_buffer http);

// The worker that this thread is to Go; assigned on first use.
uint32_t meltemi_worker(void);

// What Go wants done for a request on which a filter runs: filterhost.Action.
enum {
  MELTEMI_FILTER_PROCEED = 0,
  MELTEMI_FILTER_COLLECT = 1,
  MELTEMI_FILTER_HOLD = 2,
  MELTEMI_FILTER_CALLOUT = 3,
  MELTEMI_FILTER_REPLY = 4,
  MELTEMI_FILTER_ANSWER = 5,
  MELTEMI_FILTER_RESET = 6,
  MELTEMI_FILTER_NOTHING = 7,
  MELTEMI_FILTER_GRPC = 8
};

// The arena holds all that the pointers of this output point to.
typedef struct {
  meltemi_arena* arena;
  uint32_t action;
  bool response;  // action and headers are about the response
  bool reroute;   // the route has to be chosen anew
  bool open;      // the response does not end by itself
  // Headers to set (PROCEED; an empty value removes), of the request (CALLOUT, GRPC), and of
  // the answer (REPLY, ANSWER), whose trailers are of ANSWER only.
  envoy_dynamic_module_type_module_http_header* headers;
  size_t headers_length;
  envoy_dynamic_module_type_module_http_header* trailers;
  size_t trailers_length;
  const char* body;  // of CALLOUT, GRPC, REPLY, ANSWER
  size_t body_length;
  const char* text;  // details of a REPLY, cluster of a CALLOUT or GRPC
  size_t text_length;
  uint64_t timeout_ms;  // of a CALLOUT
  uint32_t status;      // HTTP status of a REPLY
  uint64_t room;        // how long a message can be that is to COLLECT
} meltemi_filter_output;

// One direction of a request on which a filter runs.
enum {
  MELTEMI_MESSAGE_PASSES = 0,   // nothing is held
  MELTEMI_MESSAGE_COLLECTS = 1, // it is held until it is complete
  MELTEMI_MESSAGE_WAITS = 2,    // it is held until Go says otherwise
  MELTEMI_MESSAGE_ENDED = 3     // the filter has answered
};

// A request on which a filter runs, as Envoy knows it (http_filter_module_ptr).
typedef struct {
  uint64_t handle;  // Go's call; 0 before it began, and if the filter does not want it
  uint64_t config;
  void* envoy;  // Envoy's filter, for the hook that is not given it
  uint32_t request;
  uint32_t response;
  bool open;        // the response does not end by itself
  bool answered;    // Go has seen the response's headers
  uint64_t callout;  // Envoy's id of the one whose response Go waits for, 0 if it has none
  uint64_t grpc;     // Envoy's id of the stream whose answer Go waits for, 0 if it has none
  bool* destroyed;   // set while a hook works on this object: the hook's flag
  uint64_t request_bytes;
  uint64_t response_bytes;
} meltemi_filter;

// Carries out an output that comes while Envoy is not in a hook of the message: what was
// held is let go. It gives the output's arena back, and the request may be gone after it.
void meltemi_filter_resume(void* envoy, meltemi_filter* f, meltemi_filter_output* out);

// What Envoy knows of a request at its end.
typedef struct {
  meltemi_buffer upstream;
  meltemi_buffer details;
  uint64_t flags;
  uint64_t request_bytes;
  uint64_t response_bytes;
} meltemi_filter_end;

// Calls that Go makes from a filter's hook. They read and note, and call no hook.
enum {
  MELTEMI_ATTRIBUTE_SOURCE = 0,
  MELTEMI_ATTRIBUTE_DESTINATION = 1,
  MELTEMI_ATTRIBUTE_PRINCIPAL = 2,
  MELTEMI_ATTRIBUTE_ROUTE = 3,
  MELTEMI_ATTRIBUTE_CLUSTER = 4
};
bool meltemi_filter_attribute(void* filter, uint32_t attribute, meltemi_buffer* result);
uint64_t meltemi_filter_route_config(void* filter);
// The texts of labels stand in one row, with their lengths in another.
size_t meltemi_filter_define(void* config, uint32_t kind, const char* name, size_t length,
                             const char* labels, const size_t* lengths, size_t count);
void meltemi_filter_record(void* filter, size_t id, uint32_t kind, uint32_t operation,
                           uint64_t value, const char* labels, const size_t* lengths, size_t count);
void meltemi_filter_note_string(void* filter, const char* space, size_t space_length,
                                const char* key, size_t key_length, const char* value,
                                size_t value_length);
void meltemi_filter_note_number(void* filter, const char* space, size_t space_length,
                                const char* key, size_t key_length, double value);
void meltemi_filter_tag(void* filter, const char* key, size_t key_length, const char* value,
                        size_t value_length);
void* meltemi_filter_scheduler_new(void* filter);
void meltemi_filter_scheduler_commit(void* scheduler, uint64_t event);
void meltemi_filter_scheduler_delete(void* scheduler);
