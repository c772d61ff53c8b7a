/* Tool `count_words`. Arguments and result are described in describe.json; the host has checked the arguments against it. */
#include "tool.h"

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Letters, not bytes: in UTF-8 all bytes of a letter but the first are 10xxxxxx. */
static int64_t letters(ph_text word) {
  int64_t count = 0;
  for (size_t i = 0; i < word.length; i++)
    count += ((unsigned char)word.at[i] & 0xC0) != 0x80;
  return count;
}

struct counts count(ph_text text, int64_t at_least) {
  struct counts counts = {0, {"", 0}};
  for (size_t end, start = 0; start < text.length; start = end + 1) {
    for (end = start; end < text.length && !is_blank(text.at[end]);) end++;
    ph_text word = {text.at + start, end - start};
    if (word.length == 0 || letters(word) < at_least) continue;
    counts.words++;
    if (letters(word) > letters(counts.longest)) counts.longest = word;
  }
  return counts;
}

bool tool_call(const ph_arguments *arguments, ph_output *output, ph_failure *failure) {
  ph_text text = ph_get_text(arguments, "text", (ph_text){"", 0});
  int64_t at_least;
  if (!ph_get_int(arguments, "at_least", 1, &at_least, failure)) return false;
  if (at_least < 1)
    return ph_fail(failure, PH_INVALID_INPUT, "`at_least` is 0: a word has a letter at least, so give 1 or more");

  struct counts counts = count(text, at_least);
  ph_open(output);
  ph_key(output, "words"), ph_int(output, counts.words);
  ph_key(output, "longest"), ph_put_text(output, counts.longest);
  ph_close(output);
  return true;
}
