#include "base/shim.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

#if defined(__x86_64__)
#define MULTIARCH "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define MULTIARCH "aarch64-linux-gnu"
#else
#define MULTIARCH "."
#endif

/* From the directory of the program. `make install` sets it from BINDIR and SHIMDIR. */
#ifndef TO_SHIM
#define TO_SHIM "../lib/"
#endif

static const char *const shim_places[] = {
    "",
    TO_SHIM,
    "../lib/",
    "../lib/threadleak/",
    "../lib/" MULTIARCH "/",
    "../lib/" MULTIARCH "/threadleak/",
    "../lib64/",
    "../lib64/threadleak/",
};

char *shim_find(struct error *error)
{
    char own[PATH_MAX], path[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
    if (length <= 0) {
        error_set(error, "/proc/self/exe cannot be read; mount /proc");
        return NULL;
    }
    own[length] = '\0';
    int directory = (int)(path_basename(own) - own);
    char *shim = NULL;
    for (size_t i = 0; !shim && i < sizeof(shim_places) / sizeof(shim_places[0]); i++) {
        snprintf(path, sizeof(path), "%.*s%s" SHIM_NAME, directory, own, shim_places[i]);
        if (access(path, R_OK) == 0)
            shim = realpath(path, NULL);
    }
    if (!shim) {
        error_set(error, SHIM_NAME " is neither in %.*s nor in its ../lib; install both together", directory,
                  own);
        return NULL;
    }
    /* ld.so(8): the items of LD_PRELOAD are separated by spaces or colons, and
     * there is no escaping; "$" begins a token such as $LIB */
    if (strpbrk(shim, " :$")) {
        error_set(error,
                  "%s cannot be preloaded: its path has a space, a colon or a '$'; install it elsewhere",
                  shim);
        free(shim);
        return NULL;
    }
    return shim;
}

/* These letters mean nothing to a shell. */
static bool is_plain(const char *path)
{
    return !path[strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+-@%,")];
}

const char *shim_preload(char out[SHIM_PRELOAD_MAX])
{
    struct error unused;
    char *shim = shim_find(&unused);
    bool fits = shim && is_plain(shim) && strlen("LD_PRELOAD=") + strlen(shim) < SHIM_PRELOAD_MAX;
    snprintf(out, SHIM_PRELOAD_MAX, "LD_PRELOAD=%s", fits ? shim : SHIM_NAME);
    free(shim);
    return out;
}
