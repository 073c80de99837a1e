// A host of a library for Envoy's contrib Go filters, without Envoy. It loads the library
// as Envoy does, calls what it exports as it is told on standard input, and prints what
// the library asks of Envoy. It keeps the states that Envoy's filters keep
// (contrib/golang/filters/http/source/processor_state.cc and golang_filter.cc,
// filters/network/source/golang.cc and upstream.cc), and is stricter than they are.
//
// A command is a line of words, bytes are in hex, "-" for none. What comes of it is
// printed when it comes, in lines that begin with what they are about; the commands are
// with the parts that carry them out.

#include "host.h"

#include <dlfcn.h>
#include <stdarg.h>

enum { MAX_LINE = 1 << 24, MAX_WORDS = 1 << 10 };

dispatcher worker, other_worker;

void post(dispatcher* d, void (*run)(void*), void* argument) {
  task* t = malloc(sizeof *t);
  *t = (task){run, argument, NULL};
  pthread_mutex_lock(&d->lock);
  if (d->first == NULL) {
    d->first = t;
  } else {
    d->last->next = t;
  }
  d->last = t;
  pthread_cond_signal(&d->more);
  pthread_mutex_unlock(&d->lock);
}

bool is_on(const dispatcher* d) { return pthread_equal(pthread_self(), d->thread); }

static void* dispatch(void* argument) {
  dispatcher* d = argument;
  for (;;) {
    pthread_mutex_lock(&d->lock);
    while (d->first == NULL) pthread_cond_wait(&d->more, &d->lock);
    task* t = d->first;
    d->first = t->next;
    pthread_mutex_unlock(&d->lock);
    t->run(t->argument);
    free(t);
  }
  return NULL;
}

static void start(dispatcher* d) {
  pthread_mutex_init(&d->lock, NULL);
  pthread_cond_init(&d->more, NULL);
  if (pthread_create(&d->thread, NULL, dispatch, d) != 0) abort();
}

bytes bytes_copy(const void* data, size_t length) {
  bytes b = {malloc(length + 1), length};
  if (length > 0) memcpy(b.data, data, length);
  b.data[length] = 0;
  return b;
}

void bytes_add(bytes* b, bytes more) {
  b->data = realloc(b->data, b->length + more.length + 1);
  if (more.length > 0) memcpy(b->data + b->length, more.data, more.length);
  b->length += more.length;
  b->data[b->length] = 0;
}

void bytes_clear(bytes* b) {
  free(b->data);
  *b = (bytes){NULL, 0};
}

static const char digits[] = "0123456789abcdef";

static int digit(char c) {
  const char* at = memchr(digits, c, 16);
  if (at == NULL) VIOLATION("'%c' is no hex", c);
  return (int)(at - digits);
}

bytes bytes_of_hex(const char* text) {
  if (strcmp(text, "-") == 0) return bytes_copy("", 0);
  size_t length = strlen(text) / 2;
  bytes b = {malloc(length + 1), length};
  for (size_t i = 0; i < length; i++) b.data[i] = (char)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
  b.data[length] = 0;
  return b;
}

static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

void print(const char* format, ...) {
  va_list list;
  va_start(list, format);
  pthread_mutex_lock(&printing);
  vprintf(format, list);
  va_end(list);
}

void print_bytes(bytes b) {
  fputs(b.length == 0 ? " -" : " ", stdout);
  for (size_t i = 0; i < b.length; i++) {
    putchar(digits[(unsigned char)b.data[i] >> 4]);
    putchar(digits[b.data[i] & 15]);
  }
}

void print_end(void) {
  fputc('\n', stdout);
  fflush(stdout);
  pthread_mutex_unlock(&printing);
}

static void* library;

void* symbol(const char* name) {
  void* s = dlsym(library, name);
  if (s == NULL) VIOLATION("the library lacks %s", name);
  return s;
}

int number(const char* word) { return (int)strtol(word, NULL, 10); }

uint32_t envoyGoFilterLogLevel(void) { return 2; }

void envoyGoFilterLog(uint32_t level, void* text, int length) {
  fprintf(stderr, "[%u] %.*s\n", level, length, (char*)text);
}

typedef struct {
  const command* what;
  char* line;
} order;

static void carry_out(void* argument) {
  order* o = argument;
  char *words[MAX_WORDS], *rest = NULL;
  int n = 0;
  for (char* w = strtok_r(o->line, " \n", &rest); w != NULL; w = strtok_r(NULL, " \n", &rest)) {
    if (n == MAX_WORDS - 1) VIOLATION("more than %d words", n);
    words[n++] = w;
  }
  words[n] = NULL;
  o->what->run(words + 1, n - 1);
  free(o->line);
  free(o);
}

static const command* find(const command* list, const char* line) {
  size_t length = strcspn(line, " \n");
  for (; list->name != NULL; list++)
    if (strlen(list->name) == length && strncmp(list->name, line, length) == 0) return list;
  return NULL;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  library = dlopen(argv[1], RTLD_LAZY | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  start(&worker);
  start(&other_worker);
  http_load();
  network_load();
  static char line[MAX_LINE];
  while (fgets(line, sizeof line, stdin) != NULL) {
    const command* c = find(http_commands, line);
    if (c == NULL) c = find(network_commands, line);
    if (c == NULL) VIOLATION("no command %.40s", line);
    order* o = malloc(sizeof *o);
    *o = (order){c, strdup(line)};
    post(c->on, carry_out, o);
  }
  return 0;
}
