#include "cli/common/run_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ledger.h"
#include "common/run_protocol.h"

/* ASan refuses to start after another preloaded library, unless verify_asan_link_order=0. */
enum { OURS = 4 };
static const char *const names[OURS] = {"LD_PRELOAD", "THREADLEAK_OPTIONS", LEDGER_RUN_ENV, "ASAN_OPTIONS"};

static bool is_ours(const char *variable)
{
    for (size_t i = 0; i < OURS; i++) {
        size_t length = strlen(names[i]);
        if (!strncmp(variable, names[i], length) && variable[length] == '=')
            return true;
    }
    return false;
}

/* Is this already the first item of LD_PRELOAD? */
static bool begins_with_item(const char *preload, const char *item)
{
    preload += strspn(preload, " :");
    size_t length = strlen(item);
    return !strncmp(preload, item, length) && strchr(" :", preload[length]);
}

static bool own_variables(char *out[OURS], const char *shim, const char *directory, const char *options)
{
    const char *preload = getenv("LD_PRELOAD"), *before = getenv("THREADLEAK_OPTIONS");
    const char *asan = getenv("ASAN_OPTIONS");
    if (!preload)
        preload = "";
    int done = 0;
    if (begins_with_item(preload, shim))
        done += asprintf(&out[0], "LD_PRELOAD=%s", preload) >= 0;
    else
        done += asprintf(&out[0], "LD_PRELOAD=%s%s%s", shim, *preload ? ":" : "", preload) >= 0;
    done += asprintf(&out[1], "THREADLEAK_OPTIONS=%s%s%s", before ? before : "",
                     before && *before && *options ? ":" : "", options) >= 0;
    done += asprintf(&out[2], LEDGER_RUN_ENV "=%s", directory) >= 0;
    /* The last value counts, so the user's value comes last. */
    done += asprintf(&out[3], "ASAN_OPTIONS=verify_asan_link_order=0%s%s", asan && *asan ? ":" : "",
                     asan ? asan : "") >= 0;
    return done == OURS;
}

static char **assemble(char *const own[OURS])
{
    size_t count = 0, bytes = 0;
    for (char **at = environ; at && *at; at++)
        count++;
    for (size_t i = 0; i < OURS; i++)
        bytes += strlen(own[i]) + 1;
    size_t pointers = (count + OURS + 1) * sizeof(char *);
    char **copy = malloc(pointers + bytes);
    if (!copy)
        return NULL;
    char **out = copy;
    for (char **at = environ; at && *at; at++)
        if (!is_ours(*at))
            *out++ = *at;
    char *text = (char *)copy + pointers;
    for (size_t i = 0; i < OURS; i++) {
        *out++ = text;
        text = stpcpy(text, own[i]) + 1;
    }
    *out = NULL;
    return copy;
}

char **run_environment_without_us(void)
{
    char *const nothing[OURS] = {"", "", "", ""};
    char **copy = assemble(nothing);
    for (char **at = copy; at && *at; at++)
        if (!**at)
            *at = NULL; /* the variables of run were the last */
    return copy;
}

char **run_environment(const char *shim, const char *directory, const char *options)
{
    char *own[OURS] = {NULL};
    char **copy = own_variables(own, shim, directory, options) ? assemble(own) : NULL;
    for (size_t i = 0; i < OURS; i++)
        free(own[i]);
    return copy;
}
