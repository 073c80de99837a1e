// Clients that do not read what they are sent.
//
// Envoy marks a connection whose write buffer is over its limit, and stops to read from the
// servers of its calls. A server's connection is never read again if its response ends in
// that state, and a bridge's does, for a whole reply is here before its first byte goes on.
// The next call that got such a connection from the pool would have no answer.
//
// So Envoy's buffer never comes to its limit while a response is under way. What is written
// is counted; after a part of the limit we look, at a moment when nothing is under way, how
// much Envoy still has: the limit is put down and up again, and Envoy tells at once if it is
// over. Up to then, and while it is, what is too much waits here. A client that has bytes
// waiting is not read, so that it makes no more calls, and one that lets the replies to those
// that it has made pile up is given up.

#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"
#include "meltemi.h"

typedef envoy_dynamic_module_type_module_buffer view;

enum { LOOK_AGAIN_MS = 5, PATIENCE = 8 };

static const char details[] = "meltemi_client_does_not_read";

void meltemi_pressure_begin(meltemi_network_envoy envoy, meltemi_network* n,
                            const meltemi_marks* marks) {
  n->usual = envoy_dynamic_module_callback_network_filter_get_buffer_limit(envoy);
  n->marks = *marks;
  if (n->marks.limit < n->usual) {
    n->marks.limit = n->usual;
  }
  envoy_dynamic_module_callback_network_filter_set_buffer_limits(envoy, n->marks.limit);
}

// HTTP that passes through has Envoy's own limit; HTTP/2, in which calls of another proxy
// may be, one that it does not reach with the windows that proxies have.
void meltemi_pressure_end(meltemi_network_envoy envoy, meltemi_network* n, view http) {
  static const char http2[] = "PRI ";
  if (http.length < sizeof http2 - 1 || memcmp(http.ptr, http2, sizeof http2 - 1) != 0) {
    envoy_dynamic_module_callback_network_filter_set_buffer_limits(envoy, n->usual);
  }
}

static size_t backlog(const meltemi_network* n) { return n->backlog_end - n->backlog_start; }

static bool has_room(const meltemi_network* n, size_t length) {
  return backlog(n) == 0 && n->written + length <= n->marks.most;
}

static void look_in(meltemi_network* n, uint32_t milliseconds) {
  if (!n->looking) {
    n->looking = true;
    meltemiNetworkLook(meltemi_worker(), n->handle, milliseconds);
  }
}

static void keep(meltemi_network* n, view bytes) {
  size_t length = backlog(n);
  if (n->backlog_end + bytes.length > n->backlog_capacity) {
    size_t capacity = 2 * (length + bytes.length);
    char* more = malloc(capacity);
    if (more == NULL) {
      abort();
    }
    if (length > 0) {
      memcpy(more, n->backlog + n->backlog_start, length);
    }
    free(n->backlog);
    n->backlog = more;
    n->backlog_start = 0;
    n->backlog_end = length;
    n->backlog_capacity = capacity;
  }
  memcpy(n->backlog + n->backlog_end, bytes.ptr, bytes.length);
  n->backlog_end += bytes.length;
  look_in(n, 0);
}

// Takes up to length bytes off the backlog. They are valid until the next keep or trim.
static view unkeep(meltemi_network* n, size_t length) {
  view b = {n->backlog + n->backlog_start, length < backlog(n) ? length : backlog(n)};
  n->backlog_start += b.length;
  n->written += b.length;
  return b;
}

static void trim(meltemi_network* n) {
  if (n->backlog != NULL && backlog(n) == 0) {
    free(n->backlog);
    n->backlog = NULL;
    n->backlog_start = n->backlog_end = n->backlog_capacity = 0;
  }
}

static void wrote(meltemi_network* n, size_t length) {
  n->written += length;
  if (n->written > n->marks.low) {
    look_in(n, 0);
  }
}

static void flush(meltemi_network_envoy envoy, meltemi_network* n, size_t length) {
  view b = unkeep(n, length);
  if (b.length > 0) {
    envoy_dynamic_module_callback_network_filter_inject_write_data(envoy, b, false);
  }
  trim(n);
}

void meltemi_pressure_send(meltemi_network_envoy envoy, meltemi_network* n, view bytes,
                           bool hurry) {
  if (hurry) {
    flush(envoy, n, SIZE_MAX);
  }
  if (bytes.length == 0) {
    return;
  }
  if (!hurry && !has_room(n, bytes.length)) {
    keep(n, bytes);
    return;
  }
  envoy_dynamic_module_callback_network_filter_inject_write_data(envoy, bytes, false);
  wrote(n, bytes.length);
}

void meltemi_pressure_write(meltemi_network_envoy envoy, meltemi_network* n, view bytes,
                            bool hurry) {
  if (hurry && backlog(n) > 0) {
    envoy_dynamic_module_callback_network_filter_append_write_buffer(envoy, unkeep(n, SIZE_MAX));
    trim(n);
  }
  if (bytes.length == 0) {
    return;
  }
  if (!hurry && !has_room(n, bytes.length)) {
    keep(n, bytes);
    return;
  }
  envoy_dynamic_module_callback_network_filter_append_write_buffer(envoy, bytes);
  wrote(n, bytes.length);
}

// Tells whether Envoy's buffer is low. It is never over half of its limit here, so that
// Envoy takes back at once what it has told everybody.
static bool low(meltemi_network_envoy envoy, meltemi_network* n) {
  n->above = false;
  envoy_dynamic_module_callback_network_filter_set_buffer_limits(envoy, n->marks.low);
  envoy_dynamic_module_callback_network_filter_set_buffer_limits(envoy, n->marks.limit);
  return !n->above;
}

void meltemi_pressure_look(meltemi_network_envoy envoy, meltemi_network* n) {
  n->looking = false;
  if (n->handle == 0 || n->pass_through) {
    return;
  }
  bool is_low = low(envoy, n);
  if (is_low) {
    n->written = 0;
    flush(envoy, n, n->marks.most);
  } else {
    n->written = n->marks.most;
  }
  if (backlog(n) > (size_t)PATIENCE * n->marks.most) {
    view why = {details, sizeof details - 1};
    envoy_dynamic_module_callback_network_filter_close_with_details(
        envoy, envoy_dynamic_module_type_network_connection_close_type_NoFlush, why);
    return;
  }
  bool drowning = !is_low || backlog(n) > 0;
  // Envoy counts the reasons not to read, so this one is kept apart from the edge's own.
  if (drowning != n->drowning) {
    n->drowning = drowning;
    envoy_dynamic_module_callback_network_filter_read_disable(envoy, drowning);
  }
  if (drowning) {
    look_in(n, is_low ? 0 : LOOK_AGAIN_MS);
  } else if (n->written > n->marks.low) {
    look_in(n, 0);
  }
}
