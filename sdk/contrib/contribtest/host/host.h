// What the parts of the host share.

#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"

// What would be undefined in Envoy, or end it, ends the process here.
#define VIOLATION(...) (fprintf(stderr, "violation: " __VA_ARGS__), fputc('\n', stderr), abort())

// A thread of Envoy's with its dispatcher.
typedef struct task {
  void (*run)(void* argument);
  void* argument;
  struct task* next;
} task;

typedef struct {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t more;
  task *first, *last;
} dispatcher;

// Requests and client connections live on the first worker. Envoy opens the upstream
// connections of Go on any worker; here it is always another one.
extern dispatcher worker, other_worker;

void post(dispatcher* d, void (*run)(void*), void* argument);
bool is_on(const dispatcher* d);

typedef struct {
  char* data;
  size_t length;
} bytes;

bytes bytes_copy(const void* data, size_t length);
void bytes_add(bytes* b, bytes more);
void bytes_clear(bytes* b);
bytes bytes_of_hex(const char* text);

// One line of output, written at once: print, any number of the others, print_end.
void print(const char* format, ...) __attribute__((format(printf, 1, 2)));
void print_bytes(bytes b);
void print_end(void);

void* symbol(const char* name);
int number(const char* word);

// A command is a line of words. Each part has its own; NULL ends the list.
typedef struct {
  const char* name;
  dispatcher* on;
  void (*run)(char** words, int n);
} command;

extern const command http_commands[], network_commands[];

int network_garbage(void);

void http_load(void);
void network_load(void);
