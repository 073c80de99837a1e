// A request on which a filter runs, and the states of its two directions.

#include "host.h"

typedef struct {
  char *name, *value;
} field;

typedef struct {
  field* list;
  size_t length;
} headers;

const char* headers_get(const headers* h, const char* name);
void headers_add(headers* h, const char* name, const char* value);
void headers_remove(headers* h, const char* name);
size_t headers_size(const headers* h);

typedef enum {
  WAITING_HEADER,
  PROCESSING_HEADER,
  WAITING_DATA,
  WAITING_ALL_DATA,
  PROCESSING_DATA,
  WAITING_TRAILER,
  PROCESSING_TRAILER,
  DONE,
} phase;

typedef enum { RUNNING, LOCAL_REPLY, CONTINUE, STOP_AND_BUFFER, STOP_AND_BUFFER_WATERMARK, STOP_NO_BUFFER } status;

enum { MAX_CHUNKS = 64, BUFFER_LIMIT = 1 << 20 };

typedef struct request request;

// One direction. base is what Go sees; it knows the struct by that.
typedef struct {
  processState base;
  request* of;
  headers message, tail;       // headers and trailers
  bool has_headers, has_tail;  // Go may look at them
  bytes kept;                  // came while Go was busy, or is to come whole
  bool ever_kept;
  bytes* chunks[MAX_CHUNKS];  // what Go was given and has not let go yet
  size_t chunks_length;
  bytes added;  // by the filter, while it had the headers
  bool end, do_end;
  bool headers_passed;
  bool locked;  // its headers cannot be changed, as if this were another phase
} direction;

struct request {
  httpRequest base;
  int id;
  uint64_t config;
  direction decode, encode;
  bool destroyed, finalized, in_log;
  bytes value;   // what Go may read until it asks again
  char* facts[256];
  bytes details;
};

#define REQUEST_FLAGS 200  // the fact that is the property response.flags

void request_continue(direction* d, status s);
void request_reply(direction* d, int code, bytes body, headers* more, long long grpc);
bool in_go(const direction* d);
