/* As much of it as the generated bindings and the kit need; libc.c says more. */
#ifndef PH_STDLIB_H
#define PH_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void free(void *at);
_Noreturn void abort(void);

#endif
