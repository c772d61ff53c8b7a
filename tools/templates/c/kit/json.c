/* Reading and writing JSON, as far as playhouse.h promises. What is read has been parsed by the host: it is valid. */
#include <stdlib.h>
#include <string.h>

#include "playhouse.h"

bool ph_fail(ph_failure *failure, ph_kind kind, const char *message) {
  *failure = (ph_failure){kind, message, 0};
  return false;
}

/* ---- reading ---- */

static const char *skip_blanks(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

/* Behind the text that begins at `at` with its quote. */
static const char *skip_text(const char *at, const char *end) {
  for (at++; at < end && *at != '"'; at++)
    if (*at == '\\') at++;
  return at < end ? at + 1 : end;
}

static const char *skip_value(const char *at, const char *end) {
  int depth = 0;
  for (; at < end; at++) {
    if (*at == '"') {
      at = skip_text(at, end);
      if (depth == 0) return at;
      at--;
    } else if (*at == '{' || *at == '[') {
      depth++;
    } else if (*at == '}' || *at == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (depth == 0 && (*at == ',' || *at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
      return at;
    }
  }
  return end;
}

static unsigned four_digits(const char *at) {
  unsigned value = 0;
  for (int i = 0; i < 4; i++) value = value * 16 + (unsigned)(at[i] <= '9' ? at[i] - '0' : (at[i] | 32) - 'a' + 10);
  return value;
}

static char *put_utf8(char *to, unsigned c) {
  if (c < 0x80) {
    *to++ = (char)c;
    return to;
  }
  if (c < 0x800) {
    *to++ = (char)(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      *to++ = (char)(0xE0 | c >> 12);
    } else {
      *to++ = (char)(0xF0 | c >> 18);
      *to++ = (char)(0x80 | (c >> 12 & 0x3F));
    }
    *to++ = (char)(0x80 | (c >> 6 & 0x3F));
  }
  *to++ = (char)(0x80 | (c & 0x3F));
  return to;
}

/* One escape, of which `at` is behind the backslash. */
static const char *unescape(const char *at, const char *end, char **to) {
  static const char from_letters[] = "bfnrt", control[] = "\b\f\n\r\t";
  if (*at != 'u' || end - at < 5) {
    const char *letter = strchr(from_letters, *at);
    *(*to)++ = letter ? control[letter - from_letters] : *at;
    return at + 1;
  }
  unsigned c = four_digits(at + 1);
  at += 5;
  if (c >= 0xD800 && c < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
    c = 0x10000 + ((c - 0xD800) << 10) + (four_digits(at + 2) - 0xDC00);
    at += 6;
  }
  *to = put_utf8(*to, c);
  return at;
}

/* The text that `json` is, its quotes included. Unescaped, it is never longer. */
static ph_text decoded(ph_text json) {
  const char *at = json.at + 1, *end = json.at + json.length - 1;
  char *start = malloc(json.length), *to = start;
  while (at < end) {
    if (*at == '\\')
      at = unescape(at + 1, end, &to);
    else
      *to++ = *at++;
  }
  return (ph_text){start, (size_t)(to - start)};
}

ph_text ph_get_json(const ph_arguments *arguments, const char *name) {
  const char *at = arguments->json.at, *end = at + arguments->json.length;
  at = skip_blanks(at, end);
  while (at < end && *at != '}') {
    at = skip_blanks(at + 1, end); /* behind the brace or comma */
    if (at >= end || *at != '"') break;
    const char *key_end = skip_text(at, end);
    ph_text key = decoded((ph_text){at, (size_t)(key_end - at)});
    at = skip_blanks(key_end, end);
    at = skip_blanks(at + 1, end); /* behind the colon */
    const char *value_end = skip_value(at, end);
    if (key.length == strlen(name) && memcmp(key.at, name, key.length) == 0)
      return (ph_text){at, (size_t)(value_end - at)};
    at = skip_blanks(value_end, end);
  }
  return (ph_text){"", 0};
}

ph_text ph_get_text(const ph_arguments *arguments, const char *name, ph_text otherwise) {
  ph_text json = ph_get_json(arguments, name);
  return json.length >= 2 && *json.at == '"' ? decoded(json) : otherwise;
}

long ph_get_int(const ph_arguments *arguments, const char *name, long otherwise) {
  ph_text json = ph_get_json(arguments, name);
  size_t i = json.length && *json.at == '-';
  if (i >= json.length || json.at[i] < '0' || json.at[i] > '9') return otherwise;
  long value = 0;
  for (; i < json.length && json.at[i] >= '0' && json.at[i] <= '9'; i++) {
    /* Too large for a long is as large as a long can be. */
    if (__builtin_mul_overflow(value, 10L, &value) || __builtin_add_overflow(value, (long)(json.at[i] - '0'), &value)) {
      value = __LONG_MAX__;
      break;
    }
  }
  return *json.at == '-' ? -value : value;
}

bool ph_get_bool(const ph_arguments *arguments, const char *name, bool otherwise) {
  ph_text json = ph_get_json(arguments, name);
  return json.length ? *json.at == 't' : otherwise;
}

/* ---- writing ---- */

static void put(ph_output *output, const char *at, size_t length) {
  if (output->length + length > output->room) {
    output->room = (output->length + length) * 2;
    output->at = realloc(output->at, output->room);
    if (!output->at) abort();
  }
  memcpy(output->at + output->length, at, length);
  output->length += length;
}

void ph_raw(ph_output *output, ph_text json) {
  put(output, json.at, json.length);
}

void ph_open(ph_output *output) {
  put(output, "{", 1);
}

void ph_key(ph_output *output, const char *name) {
  if (output->at[output->length - 1] != '{') put(output, ",", 1);
  ph_put_text(output, (ph_text){name, strlen(name)});
  put(output, ":", 1);
}

void ph_close(ph_output *output) {
  put(output, "}", 1);
}

void ph_put_text(ph_output *output, ph_text text) {
  static const char hex[] = "0123456789abcdef";
  put(output, "\"", 1);
  for (size_t i = 0; i < text.length; i++) {
    unsigned char c = (unsigned char)text.at[i];
    char control[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (c == '"' || c == '\\') put(output, "\\", 1);
    if (c < 0x20)
      put(output, control, 6);
    else
      put(output, text.at + i, 1);
  }
  put(output, "\"", 1);
}

void ph_int(ph_output *output, long value) {
  char digits[24], *at = digits + sizeof digits;
  unsigned long rest = value < 0 ? 0UL - (unsigned long)value : (unsigned long)value;
  do *--at = (char)('0' + rest % 10);
  while (rest /= 10);
  if (value < 0) *--at = '-';
  put(output, at, (size_t)(digits + sizeof digits - at));
}

void ph_bool(ph_output *output, bool value) {
  put(output, value ? "true" : "false", value ? 4 : 5);
}
