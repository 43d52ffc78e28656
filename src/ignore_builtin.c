/*
 * Threads that no user could join: what libraries keep for themselves as long as the process lives.
 *
 * As narrow as it can be: each rule names the start routine, which is the library's own, so that a thread of
 * the user's that merely goes through the library is still reported.  Where libraries come without symbols a
 * start routine is "libx.so.1+0x…".  None needs a present stack: where stacks can not be taken, a pool must
 * not become a leak.
 *
 * Not here, because nothing of theirs is seen: glibc's helpers for SIGEV_THREAD timers, mq_notify, POSIX aio
 * and getaddrinfo_a call pthread_create inside of libc since 2.34 (verified with 2.36); they are untracked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ignore_rule.h"

static const struct {
    const char *rule, *what;
} rules[] = {
    {"start:^gomp_thread_start$", "OpenMP's pool"},
};

static bool add_rule(struct ignore *ignore, size_t number)
{
    const struct ignore_source_text from = {rules[number].rule, strlen(rules[number].rule), "built in",
                                            IGNORE_BUILT_IN};
    struct error error;
    char *label = NULL;
    if (!ignore_add_text(ignore, &from, &error) || asprintf(&label, "built in: %s", rules[number].what) < 0)
        return false;
    struct ignore_rule *shown = &ignore->rules[ignore->count - 1]->shown;
    shown->label = label;
    shown->line = 0;
    return true;
}

bool ignore_load_built_in(struct ignore *ignore, struct error *error)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if (!add_rule(ignore, i)) {
            error_set(error, "out of memory");
            return false;
        }
    return true;
}
