/* Tests of kit/number.c of the C template, beside what the C library of this machine makes of the same numbers. */
#undef NDEBUG
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "playhouse.h"

static double read(const char *json) {
  char all[1200];
  snprintf(all, sizeof all, "{\"n\":%s}", json);
  ph_arguments arguments = {{all, strlen(all)}};
  double value;
  ph_failure failure = {0};
  assert(ph_get_number(&arguments, "n", 7, &value, &failure));
  return value;
}

/* The text of a number, ended by a zero, until the next one is asked for. */
static const char *written(double value) {
  static char text[64];
  ph_output output = {0};
  ph_number(&output, value);
  memcpy(text, output.at, output.length);
  text[output.length] = 0;
  free(output.at);
  return text;
}

/* Bits that are the same in every run (Marsaglia's xorshift). */
static uint64_t any(void) {
  static uint64_t state = 88172645463325252;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}

static void numbers_are_read_however_they_are_written(void) {
  static const char *const cases[] = {
      "0", "0.0", "3", "3.0", "-2.5", "0.1", "1e3", "1E+3", "25e-1", "0.003e3", "123456789012345678901234567890",
      "9007199254740993", "1.7976931348623157e308", "2.2250738585072011e-308", "2.2250738585072014e-308", "5e-324",
      "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "1e400", "-1e400", "1e-99999999999999999999",
      "1.7976931348623159e308", "0e99999999999999999999",
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert(read(cases[i]) == strtod(cases[i], NULL));
  assert(read("1e99999999999999999999") == INFINITY && signbit(read("-0.0")));
}

static void what_is_no_number_is_refused_by_name(void) {
  static const char *const cases[] = {"{\"n\": \"3\"}", "{\"n\": true}", "{\"n\": [3]}", "{\"n\": {}}"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ph_arguments arguments = {{cases[i], strlen(cases[i])}};
    double value;
    ph_failure failure = {0};
    assert(!ph_get_number(&arguments, "n", 7, &value, &failure));
    assert(failure.kind == PH_INVALID_INPUT && !strcmp(failure.message, "`n` must be a number"));
  }
  assert(read("null") == 7 && read("1, \"n\": null") == 7);
}

static void numbers_are_written_as_people_write_them(void) {
  static const struct {
    double value;
    const char *json;
  } cases[] = {
      {0, "0"}, {-0.0, "0"}, {3, "3"}, {-2.5, "-2.5"}, {0.1, "0.1"}, {0.1 + 0.2, "0.30000000000000004"}, {0.05, "0.05"},
      {100, "100"}, {1e20, "100000000000000000000"}, {1e21, "1e21"}, {1.5e300, "1.5e300"}, {0.000001, "0.000001"},
      {1e-7, "1e-7"}, {-2.25e-10, "-2.25e-10"}, {5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e308"},
      {INFINITY, "null"}, {-INFINITY, "null"}, {NAN, "null"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert(!strcmp(written(cases[i].value), cases[i].json));
}

/* The fewest digits that the C library reads as the same number. */
static int fewest(double value) {
  char text[64];
  for (int count = 1;; count++) {
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    if (strtod(text, NULL) == value) return count;
  }
}

/* The digits of a text, without zeros at either end. */
static int digits(const char *text) {
  int count = 0, last = 0;
  for (; *text && *text != 'e'; text++) {
    if (*text < '0' || *text > '9' || (count == 0 && *text == '0')) continue;
    count++;
    if (*text != '0') last = count;
  }
  return last;
}

static void every_double_is_written_with_the_fewest_digits_that_are_read_as_the_same(void) {
  for (int i = 0; i < 1000; i++) {
    uint64_t bits = any();
    if (i % 10 == 0) bits &= 0x800FFFFFFFFFFFFF >> any() % 52; /* the smallest there are */
    double value;
    memcpy(&value, &bits, sizeof value);
    if (i % 3 == 0) value = (double)(any() % 2000000) / (i % 2 ? 100 : 1000);
    if (!isfinite(value) || value == 0) continue;
    const char *json = written(value);
    assert(strtod(json, NULL) == value && read(json) == value && digits(json) == fewest(value));
  }
}

static void every_decimal_is_read_as_the_nearest_double(void) {
  for (int i = 0; i < 1000; i++) {
    char json[1100], *to = json;
    int length = 1 + (int)(any() % (i % 50 ? 25 : 900));
    to += sprintf(to, "%s%d.", any() % 2 ? "-" : "", (int)(any() % 10));
    for (int j = 0; j < length; j++) *to++ = (char)('0' + any() % 10);
    sprintf(to, "e%d", (int)(any() % 680) - 340);
    assert(read(json) == strtod(json, NULL));
  }
}

/* The hardest to read: just between two doubles, and a little to either side. */
static void of_two_that_are_as_near_the_even_one_is_read(void) {
  for (int i = 0; i < 200; i++) {
    uint64_t whole = (uint64_t)1 << 52 | any() >> 12;
    int power = 1 + (int)(any() % 200);
    char half[1100];
    /* Of 54 bits, the last of them 1, where a double has 53; a long double has all of them. */
    snprintf(half, sizeof half, "%.*Lf", power, ldexpl((long double)(2 * whole + 1), -power));
    assert(read(half) == strtod(half, NULL));
    strcat(half, "000000000000000000000000000001");
    assert(read(half) == strtod(half, NULL));
  }
}

int main(void) {
  numbers_are_read_however_they_are_written();
  what_is_no_number_is_refused_by_name();
  numbers_are_written_as_people_write_them();
  every_double_is_written_with_the_fewest_digits_that_are_read_as_the_same();
  every_decimal_is_read_as_the_nearest_double();
  of_two_that_are_as_near_the_even_one_is_read();
  puts("6 tests passed");
  return 0;
}
