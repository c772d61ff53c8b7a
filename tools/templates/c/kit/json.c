/* Reading and writing JSON, as far as playhouse.h promises. What is read has been parsed by the host: it is valid. */
#include <stdlib.h>
#include <string.h>

#include "playhouse.h"

bool ph_fail(ph_failure *failure, ph_kind kind, const char *message) {
  *failure = (ph_failure){kind, message, 0};
  return false;
}

static void put(ph_output *output, const char *at, size_t length) {
  if (length == 0) return;
  if (output->length + length > output->room) {
    output->room = (output->length + length) * 2;
    output->at = realloc(output->at, output->room);
    if (!output->at) abort();
  }
  memcpy(output->at + output->length, at, length);
  output->length += length;
}

bool ph_wrong(ph_failure *failure, const char *name, const char *what) {
  ph_output message = {0};
  put(&message, "`", 1);
  put(&message, name, strlen(name));
  put(&message, "` ", 2);
  put(&message, what, strlen(what) + 1); /* with the zero behind it */
  return ph_fail(failure, PH_INVALID_INPUT, message.at);
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
  if (c >= 0xD800 && c < 0xE000) {
    bool is_high = c < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u';
    unsigned low = is_high ? four_digits(at + 2) : 0;
    bool is_pair = low >= 0xDC00 && low < 0xE000;
    /* Half a pair is no letter, and has no UTF-8. */
    c = is_pair ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
    if (is_pair) at += 6;
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
  ph_text found = {"", 0};
  at = skip_blanks(at, end);
  if (at < end && *at != '{') return found;
  while (at < end && *at != '}') {
    at = skip_blanks(at + 1, end); /* behind the brace or comma */
    if (at >= end || *at != '"') break;
    const char *key_end = skip_text(at, end);
    ph_text key = decoded((ph_text){at, (size_t)(key_end - at)});
    at = skip_blanks(key_end, end);
    at = skip_blanks(at + 1, end); /* behind the colon */
    const char *value_end = skip_value(at, end);
    /* Of several with one name the last counts, as for the host. */
    if (key.length == strlen(name) && memcmp(key.at, name, key.length) == 0)
      found = (ph_text){at, (size_t)(value_end - at)};
    at = skip_blanks(value_end, end);
  }
  return found;
}

ph_text ph_get_text(const ph_arguments *arguments, const char *name, ph_text otherwise) {
  ph_text json = ph_get_json(arguments, name);
  return json.length >= 2 && *json.at == '"' ? decoded(json) : otherwise;
}

int64_t ph_exponent(const char *at, const char *end) {
  bool is_negative = at < end && *at == '-';
  int64_t value = 0;
  if (at < end && (*at == '-' || *at == '+')) at++;
  for (; at < end && value < INT32_MAX; at++) value = value * 10 + (*at - '0');
  return is_negative ? -value : value;
}

/* The integer that a number of JSON is: 3, 3.0 and 300e-2 are the same. False: it is none of 64 bits. */
static bool integer(ph_text json, int64_t *value) {
  const char *at = json.at, *end = at + json.length, *e = at, *point = at;
  bool is_negative = at < end && *at == '-';
  at += is_negative;
  if (at >= end || *at < '0' || *at > '9') return false;
  while (e < end && *e != 'e' && *e != 'E') e++;
  while (point < e && *point != '.') point++;
  /* So many digits are before the point, once the exponent has moved it. */
  int64_t whole = point - at + (e < end ? ph_exponent(e + 1, end) : 0);
  uint64_t size = 0, most = (uint64_t)INT64_MAX + is_negative;
  for (; at < e || (whole > 0 && size != 0); whole--) {
    unsigned digit = 0;
    if (at == point && at < e) at++;
    if (at < e) digit = (unsigned)(*at++ - '0');
    if (whole > 0 ? size > (most - digit) / 10 : digit != 0) return false;
    if (whole > 0) size = size * 10 + digit;
  }
  *value = is_negative ? (int64_t)(0 - size) : (int64_t)size;
  return true;
}

bool ph_get_int(const ph_arguments *arguments, const char *name, int64_t otherwise, int64_t *value, ph_failure *failure) {
  ph_text json = ph_get_json(arguments, name);
  *value = otherwise;
  if (json.length == 0 || *json.at == 'n' || integer(json, value)) return true;
  return ph_wrong(failure, name, "must be an integer of at most 64 bits");
}

bool ph_get_bool(const ph_arguments *arguments, const char *name, bool otherwise) {
  ph_text json = ph_get_json(arguments, name);
  return json.length == 0 || *json.at == 'n' ? otherwise : *json.at == 't';
}

/* ---- writing ---- */

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

void ph_int(ph_output *output, int64_t value) {
  char digits[24], *at = digits + sizeof digits;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do *--at = (char)('0' + rest % 10);
  while (rest /= 10);
  if (value < 0) *--at = '-';
  put(output, at, (size_t)(digits + sizeof digits - at));
}

void ph_bool(ph_output *output, bool value) {
  put(output, value ? "true" : "false", value ? 4 : 5);
}
