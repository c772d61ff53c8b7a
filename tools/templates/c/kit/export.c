/* Joins `tool_call` to the bindings that are generated from the contract: .build/c/project.h. */
#include <string.h>

#include "describe.h"
#include "playhouse.h"
#include "project.h"

void exports_playhouse_tool_tool_describe(project_string_t *ret) {
  ret->ptr = (uint8_t *)DESCRIBE;
  ret->len = sizeof DESCRIBE;
}

bool exports_playhouse_tool_tool_call(project_string_t *arguments, project_string_t *ret,
                                      exports_playhouse_tool_tool_tool_error_t *err) {
  ph_arguments given = {{(const char *)arguments->ptr, arguments->len}};
  ph_output output = {0};
  ph_failure failure = {PH_FAILED, "it failed without saying why", 0};
  if (tool_call(&given, &output, &failure)) {
    ret->ptr = (uint8_t *)output.at;
    ret->len = output.length;
    return true;
  }
  err->kind = (exports_playhouse_tool_tool_error_kind_t)failure.kind;
  err->message.ptr = (uint8_t *)failure.message;
  err->message.len = strlen(failure.message);
  err->retry_after_ms.is_some = failure.retry_after_ms != 0;
  err->retry_after_ms.val = failure.retry_after_ms;
  return false;
}

#ifdef PH_CHECKABLE
bool exports_playhouse_tool_checkable_did_it_happen(project_string_t *effect_id, project_option_string_t *ret,
                                                    project_string_t *err) {
  ph_output output = {0};
  const char *why = "it cannot be found out";
  bool happened = false;
  if (!tool_did_it_happen((ph_text){(const char *)effect_id->ptr, effect_id->len}, &happened, &output, &why)) {
    err->ptr = (uint8_t *)why;
    err->len = strlen(why);
    return false;
  }
  ret->is_some = happened;
  ret->val.ptr = (uint8_t *)output.at;
  ret->val.len = output.length;
  return true;
}
#endif
