/* Tests of kit/json.c of the C template: what its readers make of all that JSON can say. */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "playhouse.h"

static ph_arguments given(const char *json) {
  return (ph_arguments){{json, strlen(json)}};
}

static bool is(ph_text text, const char *wanted) {
  return text.length == strlen(wanted) && !memcmp(text.at, wanted, text.length);
}

/* The integer that `json` is as an argument; 7 if it was not given. */
static bool read_int(const char *json, int64_t *value, ph_failure *failure) {
  char all[256];
  snprintf(all, sizeof all, "{\"before\": [1], \"n\" : %s , \"behind\": {}}", json);
  ph_arguments arguments = given(all);
  return ph_get_int(&arguments, "n", 7, value, failure);
}

static void what_is_an_integer_is_read_however_it_is_written(void) {
  static const struct {
    const char *json;
    int64_t value;
  } cases[] = {
      {"0", 0}, {"-0", 0}, {"-0.0", 0}, {"3", 3}, {"3.0", 3}, {"-3.000", -3}, {"1e3", 1000}, {"1E+3", 1000},
      {"-1e3", -1000}, {"300e-2", 3}, {"2.5e1", 25}, {"1.25e2", 125}, {"0.003e3", 3}, {"0e0", 0}, {"0.0e-5", 0},
      {"1000.0", 1000}, {"1e18", 1000000000000000000}, {"9223372036854775807", INT64_MAX},
      {"-9223372036854775808", INT64_MIN}, {"-9.223372036854775808e18", INT64_MIN}, {"1760000000000", 1760000000000},
      {"0e99999999999999999999", 0}, {"0e-99999999999999999999", 0}, {"1000000000000000000000000e-24", 1}, {"null", 7},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t value = -1;
    ph_failure failure = {0};
    assert(read_int(cases[i].json, &value, &failure) && value == cases[i].value);
  }
}

static void what_is_no_integer_or_too_large_is_refused_by_name(void) {
  static const char *const cases[] = {
      "3.5", "-0.1", "1e-1", "15e-1", "9223372036854775808", "-9223372036854775809", "1e19", "1e300", "-1e300",
      "1e99999999999999999999", "1e-99999999999999999999", "18446744073709551616", "100000000000000000000",
      "true", "\"3\"", "[3]", "{}",
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t value = -1;
    ph_failure failure = {0};
    assert(!read_int(cases[i], &value, &failure) && value == 7);
    assert(failure.kind == PH_INVALID_INPUT && !strcmp(failure.message, "`n` must be an integer of at most 64 bits"));
  }
}

static void what_is_missing_or_null_is_what_it_is_otherwise(void) {
  const char *all[] = {"{}", " { } ", "{\"x\": null, \"inner\": {\"y\": 1}}", ""};
  for (int i = 0; i < 4; i++) {
    ph_arguments arguments = given(all[i]);
    int64_t value;
    ph_failure failure = {0};
    assert(is(ph_get_text(&arguments, "x", (ph_text){"-", 1}), "-"));
    assert(ph_get_int(&arguments, "x", -5, &value, &failure) && value == -5);
    assert(ph_get_bool(&arguments, "x", true) && !ph_get_bool(&arguments, "x", false));
    assert(ph_get_json(&arguments, "y").length == 0);
  }
}

static void texts_are_unescaped(void) {
  static const struct {
    const char *json, *text;
  } cases[] = {
      {"\"\"", ""}, {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t"}, {"\"\\u0041\\u00e9\\u20AC\"", "Aé€"},
      {"\"\\ud83d\\uDE00\"", "😀"}, {"\"é😀\"", "é😀"}, {"\"\\\\u0041\"", "\\u0041"}, {"\"\\\\\"", "\\"},
      /* Half a pair, which the host lets nobody say. */
      {"\"\\ud83d\"", "\xEF\xBF\xBD"}, {"\"\\ud83d\\u0041\"", "\xEF\xBF\xBD" "A"}, {"\"\\ude00!\"", "\xEF\xBF\xBD!"},
      {"\"\\ud83d\\ud83d\\ude00\"", "\xEF\xBF\xBD😀"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char all[128];
    snprintf(all, sizeof all, "{\"t\":%s}", cases[i].json);
    ph_arguments arguments = given(all);
    assert(is(ph_get_text(&arguments, "t", (ph_text){"-", 1}), cases[i].text));
  }
  ph_arguments zero = given("{\"t\":\"\\u0000\"}");
  ph_text text = ph_get_text(&zero, "t", (ph_text){"-", 1});
  assert(text.length == 1 && *text.at == 0);
}

static void values_are_found_behind_and_within_others(void) {
  ph_arguments arguments = given(
      "{\"a\" : [\"}\", {\"c\": \"]\\\"\"}, -1.5e3] ,\n\"b\":{ \"c\" :false,\"d\":[ ]},\"c\":true,\"\\u0064\":\"x\",\"\":2}");
  assert(is(ph_get_json(&arguments, "a"), "[\"}\", {\"c\": \"]\\\"\"}, -1.5e3]"));
  ph_arguments inner = {ph_get_json(&arguments, "b")}, list = {ph_get_json(&arguments, "a")};
  assert(!ph_get_bool(&inner, "c", true) && is(ph_get_json(&inner, "d"), "[ ]"));
  assert(ph_get_bool(&arguments, "c", false));
  assert(is(ph_get_text(&arguments, "d", (ph_text){"", 0}), "x"));
  assert(is(ph_get_json(&arguments, ""), "2"));
  /* A list has no names, and neither has a text. */
  assert(ph_get_json(&list, "}").length == 0);
  ph_arguments text = given("\"a\"");
  assert(ph_get_json(&text, "a").length == 0);
}

static void of_one_name_given_twice_the_last_counts(void) {
  ph_arguments arguments = given("{\"a\": \"first\", \"b\": 1, \"\\u0061\": \"last\"}");
  assert(is(ph_get_text(&arguments, "a", (ph_text){"", 0}), "last"));
}

static void what_is_written_is_json(void) {
  ph_output output = {0};
  ph_raw(&output, (ph_text){"", 0});
  ph_open(&output);
  ph_key(&output, "a\"b"), ph_int(&output, INT64_MIN);
  ph_key(&output, "max"), ph_int(&output, INT64_MAX);
  ph_key(&output, "zero"), ph_int(&output, 0);
  ph_key(&output, "text"), ph_put_text(&output, (ph_text){"\n\x01\"\\é", 6});
  ph_key(&output, "empty"), ph_open(&output), ph_close(&output);
  ph_key(&output, "list"), ph_raw(&output, (ph_text){"[1.5,null]", 10});
  ph_key(&output, "is"), ph_bool(&output, true);
  ph_close(&output);
  assert(is((ph_text){output.at, output.length},
            "{\"a\\\"b\":-9223372036854775808,\"max\":9223372036854775807,\"zero\":0,"
            "\"text\":\"\\u000a\\u0001\\\"\\\\é\",\"empty\":{},\"list\":[1.5,null],\"is\":true}"));
}

int main(void) {
  what_is_an_integer_is_read_however_it_is_written();
  what_is_no_integer_or_too_large_is_refused_by_name();
  what_is_missing_or_null_is_what_it_is_otherwise();
  texts_are_unescaped();
  values_are_found_behind_and_within_others();
  of_one_name_given_twice_the_last_counts();
  what_is_written_is_json();
  puts("7 tests passed");
  return 0;
}
