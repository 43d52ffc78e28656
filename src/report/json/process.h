/* A process in the format "json". */
#ifndef THREADLEAK_REPORT_JSON_PROCESS_H
#define THREADLEAK_REPORT_JSON_PROCESS_H

#include <jansson.h>

#include "leak/model.h"

json_t *process_json(const struct process_report *process);

/* An array of strings, from a list that NULL ends; null for NULL. */
json_t *strings_json(char *const *strings);

#endif
