/* The little of the C library that a tool needs, so that it imports nothing and no WASI is behind it.
 *
 * Memory is taken from what the module begins with, and never given back: an instance lives for one call, and one that
 * does not ask the engine for memory starts in half the time. */
#include "stdlib.h"
#include "string.h"

/* Bytes of memory before more is asked for. Pages that are not touched cost nothing. */
#define HEAP (1 << 20)
#define PAGE 65536

static _Alignas(16) unsigned char heap[HEAP];
static size_t next = (size_t)heap, limit = (size_t)heap + HEAP;

void *malloc(size_t size) {
  size_t at = (next + 15) & ~(size_t)15;
  if (size > (size_t)-1 - at - PAGE) abort();
  if (at + size > limit) {
    size_t end = __builtin_wasm_memory_size(0) * (size_t)PAGE;
    /* Once past the heap, on at the end of memory. */
    if (limit != end) at = limit = end;
    size_t pages = (at + size - limit + PAGE - 1) / PAGE;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) abort();
    limit += pages * PAGE;
  }
  next = at + size;
  return (void *)at;
}

void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) abort();
  return malloc(bytes); /* zero, since it was never used before */
}

/* How large the old block was is not known, so up to `size` bytes are copied, of which those behind it mean nothing. */
void *realloc(void *old, size_t size) {
  unsigned char *made = malloc(size);
  size_t behind = (size_t)made - (size_t)old;
  if (old) memcpy(made, old, behind < size ? behind : size);
  return made;
}

void free(void *at) {
  (void)at;
}

_Noreturn void abort(void) {
  __builtin_trap();
}

/* With -mbulk-memory these are single instructions. */
void *memcpy(void *to, const void *from, size_t length) {
  return __builtin_memcpy(to, from, length);
}

void *memmove(void *to, const void *from, size_t length) {
  return __builtin_memmove(to, from, length);
}

void *memset(void *at, int value, size_t length) {
  return __builtin_memset(at, value, length);
}

int memcmp(const void *a, const void *b, size_t length) {
  const unsigned char *left = a, *right = b;
  for (; length && *left == *right; length--) left++, right++;
  return length ? *left - *right : 0;
}

size_t strlen(const char *text) {
  const char *end = text;
  while (*end) end++;
  return (size_t)(end - text);
}

int strcmp(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return (unsigned char)*a - (unsigned char)*b;
}

char *strchr(const char *text, int c) {
  for (;; text++) {
    if (*text == (char)c) return (char *)text;
    if (!*text) return NULL;
  }
}
