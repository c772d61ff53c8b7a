/* The Playhouse tool contract for C: arguments are read from JSON, a result is written as JSON.
 *
 * A tool is one function, `tool_call`. Memory is not freed: each call runs in an instance of its own, which is thrown
 * away afterwards. */
#ifndef PLAYHOUSE_H
#define PLAYHOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UTF-8, not ended by a zero. */
typedef struct {
  const char *at;
  size_t length;
} ph_text;

/* The arguments: a JSON object that fits the input schema. */
typedef struct {
  ph_text json;
} ph_arguments;

/* What the model reads when a call fails. In the order of the contract. */
typedef enum {
  PH_INVALID_INPUT,
  PH_DENIED,
  PH_NOT_FOUND,
  PH_CONFLICT,
  PH_UNAVAILABLE,
  PH_FAILED,
} ph_kind;

typedef struct {
  ph_kind kind;
  /* One sentence, without a full stop, that says what to do instead. */
  const char *message;
  /* For PH_UNAVAILABLE: milliseconds after which to try again; 0: not known. */
  unsigned retry_after_ms;
} ph_failure;

/* The result as it grows. */
typedef struct {
  char *at;
  size_t length, room;
} ph_output;

/* The tool. True: `output` holds JSON that fits the output schema. False: `failure` says why not; see `ph_fail`. */
bool tool_call(const ph_arguments *arguments, ph_output *output, ph_failure *failure);

/* Of a tool that tool.toml calls `checkable`, and of no other: whether the call with this effect id happened, and then
 * its output. False: that cannot be found out, and `why` says why not, in one sentence. */
bool tool_did_it_happen(ph_text effect_id, bool *happened, ph_output *output, const char **why);

/* Says why a call fails; returns false, so that it can be returned. */
bool ph_fail(ph_failure *failure, ph_kind kind, const char *message);
/* The same for an argument that is wrong: `name`, and then what it must be or what is wrong with it. */
bool ph_wrong(ph_failure *failure, const char *name, const char *what);

/* An argument by its name, or `otherwise` if it was not given, or as null. */
ph_text ph_get_text(const ph_arguments *arguments, const char *name, ph_text otherwise);
bool ph_get_bool(const ph_arguments *arguments, const char *name, bool otherwise);
/* The same into `value`, for an integer; in JSON, 3.0 and 1e3 are integers too. False: the schema lets something in that
 * is none, or is larger than 64 bits; `failure` says which argument, so return false as well. */
bool ph_get_int(const ph_arguments *arguments, const char *name, int64_t otherwise, int64_t *value, ph_failure *failure);
/* The same for a number, as the nearest double. */
bool ph_get_number(const ph_arguments *arguments, const char *name, double otherwise, double *value, ph_failure *failure);
/* The JSON of an argument of another type; of length 0 if it was not given. Of an object, `ph_get_…` reads on. */
ph_text ph_get_json(const ph_arguments *arguments, const char *name);

/* Writing: an object is ph_open, then ph_key and a value for each, then ph_close. */
void ph_open(ph_output *output);
void ph_key(ph_output *output, const char *name);
void ph_close(ph_output *output);
void ph_put_text(ph_output *output, ph_text text);
void ph_int(ph_output *output, int64_t value);
void ph_bool(ph_output *output, bool value);
/* With the fewest digits that are read as the same double; null if it is infinite or none, for which JSON has no words. */
void ph_number(ph_output *output, double value);
/* Anything, as it is: brackets and commas of a list. */
void ph_raw(ph_output *output, ph_text json);

/* For the kit itself: the exponent of a number, from behind its e to `end`. What no argument is long enough to balance
 * is cut off. */
int64_t ph_exponent(const char *at, const char *end);

#endif
