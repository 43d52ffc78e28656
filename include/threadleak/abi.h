/*
 * Between <threadleak.h> in a program and the preloaded libthreadleak.so: one exported
 * table, which only ever grows at its end.  Not for direct use; other languages find it
 * by dlsym(RTLD_DEFAULT, "threadleak_abi_1").
 *
 * What the functions mean stands in <threadleak.h>.
 */
#ifndef THREADLEAK_ABI_H
#define THREADLEAK_ABI_H

#include <pthread.h>
#include <stdint.h>

#define THREADLEAK_ABI_SYMBOL "threadleak_abi_1"

struct threadleak_abi {
    uint32_t size; /* of the table, in bytes: how far it has grown */
    uint32_t reserved;
    int (*active)(void);
    uint64_t (*checkpoint)(void);
    /* since: NULL, or a checkpoint */
    int (*check)(const uint64_t *since, const char *options);
    int (*ignore_thread)(pthread_t thread, const char *reason);
    int (*set_options)(const char *options);
    int (*add_suppressions)(const char *rules);
    long (*count)(unsigned kinds);
    int (*dump)(int fd);
    int (*test)(const char *name);
    /* What the program brings: before THREADLEAK_OPTIONS.  Either may be NULL. */
    int (*defaults)(const char *options, const char *suppressions);
};

#endif
