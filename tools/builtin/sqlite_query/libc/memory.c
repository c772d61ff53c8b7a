/* Memory for SQLite: blocks of the sizes 16, 32, 64 … bytes, and whole pages above. What is free waits in lists and is
   never given back: an instance answers one call. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 65536u
#define CLASSES 12u /* 16 bytes to 32 KiB */

typedef struct Block {
  size_t size; /* without this header */
  struct Block *next; /* while it is free; a header has 8 bytes either way */
} Block;
#define HEADER sizeof(Block)

static Block *free_small[CLASSES];
static Block *free_large;
static char *fresh, *fresh_end;

/* `size` bytes of new pages, or NULL. */
static void *grow(size_t size) {
  size_t pages = size / PAGE + (size % PAGE != 0);
  size_t before = __builtin_wasm_memory_grow(0, pages);
  return before == (size_t)-1 ? NULL : (void *)(before * PAGE);
}

static void *small(unsigned class) {
  Block *block = free_small[class];
  size_t size = (size_t)16 << class;
  if (block != NULL) {
    free_small[class] = block->next;
    return block + 1;
  }
  if ((size_t)(fresh_end - fresh) < size + HEADER) {
    char *page = grow(PAGE);
    if (page == NULL) return NULL;
    fresh = page;
    fresh_end = page + PAGE;
  }
  block = (Block *)fresh;
  fresh += size + HEADER;
  block->size = size;
  return block + 1;
}

static void *large(size_t size) {
  Block **at;
  Block *block;
  if (size > (size_t)1 << 30) return NULL;
  for (at = &free_large; *at != NULL; at = &(*at)->next) {
    block = *at;
    /* Not one that is far larger: the file's own block would go for a page of a cache. */
    if (block->size >= size && block->size / 2 <= size) {
      *at = block->next;
      return block + 1;
    }
  }
  size = (size + HEADER + PAGE - 1) / PAGE * PAGE;
  block = grow(size);
  if (block == NULL) return NULL;
  block->size = size - HEADER;
  return block + 1;
}

void *malloc(size_t size) {
  unsigned class = 0;
  while (class < CLASSES && ((size_t)16 << class) < size) class++;
  return class < CLASSES ? small(class) : large(size);
}

void free(void *memory) {
  Block *block = (Block *)memory - 1;
  Block **list = &free_large;
  unsigned class;
  if (memory == NULL) return;
  for (class = 0; class < CLASSES; class++)
    if (block->size == (size_t)16 << class) list = &free_small[class];
  block->next = *list;
  *list = block;
}

void *realloc(void *memory, size_t size) {
  Block *block = (Block *)memory - 1;
  void *moved;
  if (memory == NULL) return malloc(size);
  if (size <= block->size) return memory;
  moved = malloc(size);
  if (moved == NULL) return NULL;
  memcpy(moved, memory, block->size);
  free(memory);
  return moved;
}
