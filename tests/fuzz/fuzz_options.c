/* Any text as THREADLEAK_OPTIONS: read, and each pattern of a path expanded. */
#include <stdlib.h>

#include "common/options.h"
#include "fuzz.h"

static void on_problem(void *arg, const char *line)
{
    (void)arg;
    fuzz_check_error(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options options;
    char path[OPTIONS_PATH_MAX], list[OPTIONS_LIST_MAX], *text = fuzz_text(data, size);
    options_defaults(&options);
    options_parse(&options, text, on_problem, NULL);
    options_expand_path(path, sizeof(path), options.log_path, 4242, "/usr/bin/app");
    options_report_text(options.report, list);
    options_judge_text(options.judge, list);
    if (options.suppressions_count > OPTIONS_SUPPRESSIONS_MAX || options.depth > OPTIONS_DEPTH_MAX)
        abort();
    free(text);
    return 0;
}
