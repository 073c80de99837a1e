// The network filter: the client's edge. It stands directly in front of Envoy's
// HTTP connection manager.

#include <stdlib.h>

#include "_cgo_export.h"
#include "meltemi.h"

typedef envoy_dynamic_module_type_network_filter_envoy_ptr network_envoy;
typedef envoy_dynamic_module_type_network_filter_module_ptr network_module;
typedef envoy_dynamic_module_type_network_filter_config_envoy_ptr config_envoy;
typedef envoy_dynamic_module_type_network_filter_config_module_ptr config_module;
typedef envoy_dynamic_module_type_on_network_filter_data_status data_status;

static const data_status proceed = envoy_dynamic_module_type_on_network_filter_data_status_Continue;
static const data_status stop =
    envoy_dynamic_module_type_on_network_filter_data_status_StopIteration;

config_module envoy_dynamic_module_on_network_filter_config_new(
    config_envoy config, envoy_dynamic_module_type_envoy_buffer name,
    envoy_dynamic_module_type_envoy_buffer text) {
  return (config_module)(uintptr_t)meltemiNetworkConfigNew(
      config, (char*)name.ptr, name.length, (char*)text.ptr, text.length,
      envoy_dynamic_module_callback_get_concurrency());
}

void envoy_dynamic_module_on_network_filter_config_destroy(config_module config) {
  meltemiConfigDestroy((uint64_t)(uintptr_t)config);
}

void envoy_dynamic_module_on_network_filter_config_scheduled(config_module config, uint64_t event) {
  (void)event;
  meltemiConfigScheduled((uint64_t)(uintptr_t)config);
}

network_module envoy_dynamic_module_on_network_filter_new(config_module config,
                                                          network_envoy envoy) {
  (void)envoy;
  meltemi_network* n = calloc(1, sizeof *n);
  if (n != NULL) {
    n->config = (uint64_t)(uintptr_t)config;
  }
  return n;
}

static void count(network_envoy envoy, const meltemi_network_output* out) {
  for (size_t i = 0; i < out->counts_length; i++) {
    const meltemi_count* c = &out->counts[i];
    if (!c->gauge) {
      envoy_dynamic_module_callback_network_filter_increment_counter(envoy, c->id,
                                                                     (uint64_t)c->delta);
    } else if (c->delta > 0) {
      envoy_dynamic_module_callback_network_filter_increment_gauge(envoy, c->id,
                                                                   (uint64_t)c->delta);
    } else {
      envoy_dynamic_module_callback_network_filter_decrement_gauge(envoy, c->id,
                                                                   (uint64_t)-c->delta);
    }
  }
}

static envoy_dynamic_module_type_module_buffer peer_bytes(const meltemi_network_output* out) {
  envoy_dynamic_module_type_module_buffer b = {out->arena->bytes, out->peer_length};
  return b;
}

static envoy_dynamic_module_type_module_buffer http_bytes(const meltemi_network_output* out) {
  envoy_dynamic_module_type_module_buffer b = {out->arena->bytes + out->peer_length,
                                               out->http_length};
  return b;
}

// Pauses and resumes keep Envoy's counter balanced: each disable has its enable.
static void set_reading(network_envoy envoy, meltemi_network* n, uint32_t reading) {
  bool pause = reading == MELTEMI_READ_PAUSE;
  if (reading == MELTEMI_READ_UNCHANGED || pause == n->paused) {
    return;
  }
  n->paused = pause;
  envoy_dynamic_module_callback_network_filter_read_disable(envoy, pause);
}

static void close_connection(network_envoy envoy, uint32_t close) {
  envoy_dynamic_module_callback_network_filter_close(
      envoy, close == MELTEMI_CLOSE_NOW
                 ? envoy_dynamic_module_type_network_connection_close_type_NoFlush
                 : envoy_dynamic_module_type_network_connection_close_type_FlushWrite);
}

data_status envoy_dynamic_module_on_network_filter_new_connection(network_envoy envoy,
                                                                  network_module module) {
  meltemi_network* n = (meltemi_network*)module;
  envoy_dynamic_module_type_envoy_buffer address = {NULL, 0};
  uint32_t port = 0;
  meltemi_marks marks = {0};
  envoy_dynamic_module_callback_network_filter_get_local_address(envoy, &address, &port);
  n->handle = meltemiNetworkOpen(meltemi_worker(), n->config, envoy, (char*)address.ptr,
                                 address.length, port, &marks);
  if (n->handle == 0) {
    close_connection(envoy, MELTEMI_CLOSE_NOW);
    return stop;
  }
  // A client may close as soon as it has sent a one-way call. Envoy would end the call
  // with the connection, mostly before the server has it; so the end is the edge's.
  envoy_dynamic_module_callback_network_filter_enable_half_close(envoy, true);
  meltemi_pressure_begin(envoy, n, &marks);
  return proceed;
}

data_status envoy_dynamic_module_on_network_filter_read(network_envoy envoy, network_module module,
                                                        size_t data_length, bool end_stream) {
  meltemi_network* n = (meltemi_network*)module;
  if (n->pass_through || (data_length == 0 && !end_stream)) {
    return proceed;
  }
  if (n->handle == 0) {
    return stop;
  }
  meltemi_chunks chunks;
  meltemi_chunks_init(
      &chunks, envoy_dynamic_module_callback_network_filter_get_read_buffer_chunks_size(envoy));
  envoy_dynamic_module_callback_network_filter_get_read_buffer_chunks(envoy, chunks.list);

  meltemi_count counts[MELTEMI_MAX_COUNTS];
  meltemi_network_output out = {.arena = meltemi_arena_take(), .counts = counts};
  meltemiNetworkRead(meltemi_worker(), n->handle, chunks.list, chunks.length, end_stream, &out);
  meltemi_chunks_free(&chunks);
  // Every byte is ours now: an incomplete message left in Envoy's buffer would stop
  // the reading once the buffer is over its limit.
  envoy_dynamic_module_callback_network_filter_drain_read_buffer(envoy, data_length);
  if (out.http_length > 0) {
    envoy_dynamic_module_callback_network_filter_append_read_buffer(envoy, http_bytes(&out));
  }
  meltemi_pressure_send(envoy, n, peer_bytes(&out), out.hurry || out.close != MELTEMI_CLOSE_NONE);
  count(envoy, &out);
  n->pass_through = out.pass_through;
  if (out.pass_through) {
    // From here on a client's end is Envoy's matter again.
    envoy_dynamic_module_callback_network_filter_enable_half_close(envoy, false);
    meltemi_pressure_end(envoy, n, http_bytes(&out));
  }
  set_reading(envoy, n, out.reading);
  meltemi_arena_give(out.arena);
  if (out.close != MELTEMI_CLOSE_NONE) {
    close_connection(envoy, out.close);
    return stop;
  }
  return proceed;
}

// Nothing that writes or injects may be called from here: a nested write makes
// Envoy dereference a null buffer. Go answers with bytes for the client only.
data_status envoy_dynamic_module_on_network_filter_write(network_envoy envoy, network_module module,
                                                         size_t data_length, bool end_stream) {
  (void)end_stream;
  meltemi_network* n = (meltemi_network*)module;
  if (n->pass_through || data_length == 0 || n->handle == 0) {
    return proceed;
  }
  meltemi_chunks chunks;
  meltemi_chunks_init(
      &chunks, envoy_dynamic_module_callback_network_filter_get_write_buffer_chunks_size(envoy));
  envoy_dynamic_module_callback_network_filter_get_write_buffer_chunks(envoy, chunks.list);

  meltemi_count counts[MELTEMI_MAX_COUNTS];
  meltemi_network_output out = {.arena = meltemi_arena_take(), .counts = counts};
  meltemiNetworkWrite(meltemi_worker(), n->handle, chunks.list, chunks.length, &out);
  meltemi_chunks_free(&chunks);
  envoy_dynamic_module_callback_network_filter_drain_write_buffer(envoy, data_length);
  meltemi_pressure_write(envoy, n, peer_bytes(&out), out.hurry);
  count(envoy, &out);
  meltemi_arena_give(out.arena);
  return proceed;
}

static void wake(network_envoy envoy, meltemi_network* n) {
  if (n->handle == 0 || n->pass_through) {
    return;
  }
  meltemi_count counts[MELTEMI_MAX_COUNTS];
  meltemi_network_output out = {.arena = meltemi_arena_take(), .counts = counts};
  meltemiNetworkWake(meltemi_worker(), n->handle, &out);
  meltemi_pressure_send(envoy, n, peer_bytes(&out), out.hurry || out.close != MELTEMI_CLOSE_NONE);
  count(envoy, &out);
  set_reading(envoy, n, out.reading);
  // Last, since the connection manager may answer at once and so call our other hooks.
  if (out.http_length > 0) {
    envoy_dynamic_module_callback_network_filter_inject_read_data(envoy, http_bytes(&out), false);
  }
  meltemi_arena_give(out.arena);
  if (out.close != MELTEMI_CLOSE_NONE) {
    close_connection(envoy, out.close);
  }
}

void meltemi_bridge_run_deferred(void);

void envoy_dynamic_module_on_network_filter_scheduled(network_envoy envoy, network_module module,
                                                      uint64_t event) {
  if (event == MELTEMI_EVENT_DEFERRED) {
    meltemi_bridge_run_deferred();
    return;
  }
  if (event == MELTEMI_EVENT_LOOK) {
    meltemi_pressure_look(envoy, (meltemi_network*)module);
    return;
  }
  wake(envoy, (meltemi_network*)module);
}

void envoy_dynamic_module_on_network_filter_event(
    network_envoy envoy, network_module module,
    envoy_dynamic_module_type_network_connection_event event) {
  meltemi_network* n = (meltemi_network*)module;
  if (n->handle == 0 || (event != envoy_dynamic_module_type_network_connection_event_RemoteClose &&
                         event != envoy_dynamic_module_type_network_connection_event_LocalClose)) {
    return;
  }
  meltemi_count counts[MELTEMI_MAX_COUNTS];
  meltemi_network_output out = {.arena = meltemi_arena_take(), .counts = counts};
  meltemiNetworkClosed(meltemi_worker(), n->handle, &out);
  count(envoy, &out);
  meltemi_arena_give(out.arena);
  n->handle = 0;
}

void envoy_dynamic_module_on_network_filter_destroy(network_module module) {
  meltemi_network* n = (meltemi_network*)module;
  if (n->handle != 0) {
    // The connection never reported its end; its last counts are lost with it.
    meltemi_count counts[MELTEMI_MAX_COUNTS];
    meltemi_network_output out = {.arena = meltemi_arena_take(), .counts = counts};
    meltemiNetworkClosed(meltemi_worker(), n->handle, &out);
    meltemi_arena_give(out.arena);
  }
  free(n->backlog);
  free(n);
}

void envoy_dynamic_module_on_network_filter_above_write_buffer_high_watermark(
    network_envoy envoy, network_module module) {
  (void)envoy;
  meltemi_network* n = (meltemi_network*)module;
  n->above = true;
}

// Part of the interface, and without work for us.

void envoy_dynamic_module_on_network_filter_below_write_buffer_low_watermark(
    network_envoy envoy, network_module module) {
  (void)envoy, (void)module;
}

void envoy_dynamic_module_on_network_filter_http_callout_done(
    network_envoy envoy, network_module module, uint64_t id,
    envoy_dynamic_module_type_http_callout_result result,
    envoy_dynamic_module_type_envoy_http_header* headers, size_t headers_size,
    envoy_dynamic_module_type_envoy_buffer* body, size_t body_size) {
  (void)envoy, (void)module, (void)id, (void)result;
  (void)headers, (void)headers_size, (void)body, (void)body_size;
}
