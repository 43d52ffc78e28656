/* A leak group in the format "json", and the creations that failed. */
#ifndef THREADLEAK_REPORT_JSON_GROUP_H
#define THREADLEAK_REPORT_JSON_GROUP_H

#include <jansson.h>

#include "leak/model.h"

/* common: of its process. */
struct common_json; /* report/json/thread.h */
json_t *group_json(const struct leak_group *group, const struct common_json *common);

/* The array of all places of the process where creations failed. */
json_t *failed_json(const struct process_report *process);

#endif
