/* The functions of <string.h> that Rust's support library has not. */
#include <string.h>

void *memchr(const void *bytes, int wanted, size_t length) {
  const unsigned char *at = bytes;
  for (; length > 0; at++, length--)
    if (*at == (unsigned char)wanted) return (void *)at;
  return NULL;
}

int strcmp(const char *a, const char *b) {
  for (; *a != 0 && *a == *b; a++, b++) continue;
  return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t length) {
  for (; length > 0 && *a != 0 && *a == *b; a++, b++, length--) continue;
  return length == 0 ? 0 : (unsigned char)*a - (unsigned char)*b;
}

char *strchr(const char *text, int wanted) {
  for (; *text != (char)wanted; text++)
    if (*text == 0) return NULL;
  return (char *)text;
}

char *strrchr(const char *text, int wanted) {
  const char *last = NULL;
  do {
    if (*text == (char)wanted) last = text;
  } while (*text++ != 0);
  return (char *)last;
}

size_t strspn(const char *text, const char *among) {
  size_t length = 0;
  while (text[length] != 0 && strchr(among, text[length]) != NULL) length++;
  return length;
}

size_t strcspn(const char *text, const char *but) {
  size_t length = 0;
  while (text[length] != 0 && strchr(but, text[length]) == NULL) length++;
  return length;
}
