/* Tests of tool.c that need no WebAssembly: `make test`. */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

static struct counts counted(const char *text, int64_t at_least) {
  return count((ph_text){text, strlen(text)}, at_least);
}

static void words_are_counted_and_the_longest_is_found(void) {
  struct counts counts = counted("Hi there, Zoë", 1);
  assert(counts.words == 3 && counts.longest.length == 6 && !memcmp(counts.longest.at, "there,", 6));
}

static void short_words_can_be_left_out(void) {
  assert(counted("a bb ccc", 2).words == 2);
}

static void arguments_come_in_and_the_result_goes_out_as_json(void) {
  const char *json = "{\"at_least\": 2.0, \"text\": \"a \\u00e9\\\"\\ud83d\\ude00 \\n\"}";
  ph_arguments arguments = {{json, strlen(json)}};
  ph_output output = {0};
  ph_failure failure = {0};
  assert(tool_call(&arguments, &output, &failure));
  const char *wanted = "{\"words\":1,\"longest\":\"é\\\"😀\"}";
  assert(output.length == strlen(wanted) && !memcmp(output.at, wanted, output.length));
}

static void a_limit_of_zero_is_refused_with_what_to_do(void) {
  const char *json = "{\"text\": \"a\", \"at_least\": 0}";
  ph_arguments arguments = {{json, strlen(json)}};
  ph_output output = {0};
  ph_failure failure = {0};
  assert(!tool_call(&arguments, &output, &failure));
  assert(failure.kind == PH_INVALID_INPUT && strstr(failure.message, "give 1 or more"));
}

int main(void) {
  words_are_counted_and_the_longest_is_found();
  short_words_can_be_left_out();
  arguments_come_in_and_the_result_goes_out_as_json();
  a_limit_of_zero_is_refused_with_what_to_do();
  puts("4 tests passed");
  return 0;
}
