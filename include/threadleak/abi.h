/*
 * The interface between <threadleak.h> in a program and the preloaded libthreadleak.so: one
 * exported table.  New versions only add members at its end.  C and C++ programs use
 * <threadleak.h>, which explains the functions.  Other languages get the table from
 * dlsym(RTLD_DEFAULT, "threadleak_abi_1").
 */
#ifndef THREADLEAK_ABI_H
#define THREADLEAK_ABI_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define THREADLEAK_ABI_SYMBOL "threadleak_abi_1"

struct threadleak_abi {
    uint32_t size; /* of the table, in bytes; a larger table has more members */
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
    /* Options and rules of the program; THREADLEAK_OPTIONS overrides them.  Both may be NULL. */
    int (*defaults)(const char *options, const char *suppressions);
    /* Older tables lack it.  As check, with a text of one line a site in place of a report:
     * threadleak_list_since.  If `function` is not NULL, a line with its source comes first: "FILE:LINE", or
     * "" if it is unknown. */
    int (*list)(const uint64_t *since, const char *options, const void *function, char *text, size_t size);
};

#endif
