/* A report as the format "json" prints it. */
#ifndef THREADLEAK_REPORT_JSON_JSON_H
#define THREADLEAK_REPORT_JSON_JSON_H

#include <jansson.h>

#include "leak/model.h"

/* The document of schema threadleak/1. The caller releases it. NULL: out of memory. */
json_t *report_to_json(const struct report *report);

#endif
