/* What tool.c offers to its tests. */
#ifndef TOOL_H
#define TOOL_H

#include "kit/playhouse.h"

struct counts {
  int64_t words;
  ph_text longest;
};

/* Counts words of `at_least` letters or more. `longest` points into `text`. */
struct counts count(ph_text text, int64_t at_least);

#endif
