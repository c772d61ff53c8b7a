/* What tool.c offers to its tests. */
#ifndef TOOL_H
#define TOOL_H

#include "kit/playhouse.h"

struct counts {
  long words;
  ph_text longest;
};

/* Counts words of `at_least` letters or more. `longest` points into `text`. */
struct counts count_words(ph_text text, long at_least);

#endif
