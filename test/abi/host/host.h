// What the files of the host share.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi.h"

typedef envoy_dynamic_module_type_envoy_buffer slice;
typedef envoy_dynamic_module_type_module_buffer bytes;

#define VIOLATION(...) (fprintf(stderr, "violation: " __VA_ARGS__), fputc('\n', stderr), abort())

// A hook of the library, and how it is found, by name as Envoy does.
#define HOOK(result, name, ...) static result (*name)(__VA_ARGS__)
#define FIND(name)                                                                  \
  if ((*(void**)& name = dlsym(library, "envoy_dynamic_module_on_" #name)) == NULL) \
  VIOLATION("no hook " #name)

extern pthread_t main_thread;

void print_bytes(const char* p, size_t n);

// What is left of a command's line, word by word. Bytes are copied, so that a slice that
// is used after its hook is seen; release frees them with something else written over.
extern char* words;
char* word(void);
int number(void);
slice unhex(const char* text);
void release(slice* list, size_t length);

// filter.c: false if the command is none of HTTP filters.
void find_filter_hooks(void* library);
bool filter_command(const char* name, bool* result);
bool run_filter_events(void);
