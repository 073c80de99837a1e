#include <stdlib.h>

#include "meltemi.h"

// An arena that has grown beyond this is not kept for the next hook: one great
// message must not cost memory for ever.
enum { KEEP = 1 << 20, START = 16 << 10 };

static __thread meltemi_arena* unused;

meltemi_arena* meltemi_arena_take(void) {
  meltemi_arena* arena = unused;
  if (arena != NULL) {
    unused = arena->next;
    return arena;
  }
  arena = calloc(1, sizeof *arena);
  if (arena == NULL) {
    abort();
  }
  meltemi_arena_reserve(arena, START);
  return arena;
}

void meltemi_arena_give(meltemi_arena* arena) {
  if (arena->capacity > KEEP) {
    free(arena->bytes);
    free(arena);
    return;
  }
  arena->next = unused;
  unused = arena;
}

void meltemi_arena_reserve(meltemi_arena* arena, size_t size) {
  if (size <= arena->capacity) {
    return;
  }
  free(arena->bytes);
  arena->bytes = malloc(size);
  if (arena->bytes == NULL) {
    abort();
  }
  arena->capacity = size;
}

void meltemi_chunks_init(meltemi_chunks* chunks, size_t length) {
  chunks->list = chunks->few;
  chunks->length = length;
  if (length <= sizeof chunks->few / sizeof chunks->few[0]) {
    return;
  }
  chunks->list = malloc(length * sizeof *chunks->list);
  if (chunks->list == NULL) {
    abort();
  }
}

void meltemi_chunks_free(meltemi_chunks* chunks) {
  if (chunks->list != chunks->few) {
    free(chunks->list);
  }
}
