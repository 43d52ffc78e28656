/* What the adapters share.  Programs include the adapter of their framework. */
#ifndef THREADLEAK_ADAPTER_H
#define THREADLEAK_ADAPTER_H

#include <stdio.h>
#include <unistd.h>

#include "../threadleak.h"

#ifdef __cplusplus
#pragma GCC system_header
#endif

/* Of one adapter.  The files of a program that include it share one. */
struct threadleak_adapter_ {
    pid_t starter; /* process in which the program began; its children print nothing */
    int installed, reminded, noted;
};

/* Runs before main. */
static __inline__ void threadleak_adapter_begin_(struct threadleak_adapter_ *adapter)
{
    if (!adapter->starter)
        adapter->starter = getpid();
}

/* Runs at the end of the program. Without its message, tests that are never checked would pass silently. */
static __inline__ void threadleak_adapter_end_(struct threadleak_adapter_ *adapter, const char *header,
                                               const char *what)
{
    if (adapter->installed || adapter->reminded || adapter->starter != getpid())
        return;
    adapter->reminded = 1;
    fprintf(stderr,
            "threadleak: <threadleak/%s> is included, but no test was checked for leaked threads: %s\n",
            header, what);
}

/* Before the first test. */
static __inline__ void threadleak_adapter_note_(struct threadleak_adapter_ *adapter)
{
    if (adapter->noted || threadleak_active())
        return;
    adapter->noted = 1;
    fprintf(stderr,
            "threadleak: no test is checked for leaked threads, because libthreadleak.so is not loaded; "
            "run 'threadleak run -- COMMAND'\n");
}

/* The message of a failed test is at most this long.  It begins at `message`. */
struct threadleak_message_ {
    char place[1024]; /* "FILE:LINE" of the test function; "": unknown, or not asked for */
    char text[4096];
};

/* Checks, and writes why the test fails: "leaked threads: 1\n  1 running thread, …".  Returns 0 if it does
 * not fail. */
static __inline__ int threadleak_adapter_check_(struct threadleak_message_ *message,
                                                threadleak_checkpoint_t before, const char *options,
                                                const void *function)
{
    char lines[sizeof(message->place) + sizeof(message->text)], *at = lines;
    size_t used = 0;
    int leaked = threadleak_list_(before, options, function, lines, sizeof(lines)), printed;
    message->place[0] = message->text[0] = 0;
    if (leaked < 0)
        snprintf(message->text, sizeof(message->text),
                 "threadleak could not check for leaked threads: see its message on standard error");
    if (leaked <= 0)
        return leaked;
    if (function) {
        for (; *at && *at != '\n'; at++)
            if (used + 1 < sizeof(message->place))
                message->place[used++] = *at;
        message->place[used] = 0;
        at += *at == '\n';
    }
    printed = snprintf(message->text, sizeof(message->text), "leaked threads: %d", leaked);
    used = printed > 0 ? (size_t)printed : 0;
    while (*at) { /* one line each */
        size_t length = 0;
        while (at[length] && at[length] != '\n')
            length++;
        printed = snprintf(message->text + used, sizeof(message->text) - used, "\n  %.*s", (int)length, at);
        if (printed < 0 || (size_t)printed >= sizeof(message->text) - used)
            break;
        used += (size_t)printed;
        at += length + (at[length] == '\n');
    }
    message->text[used] = 0;
    return leaked;
}

#endif
