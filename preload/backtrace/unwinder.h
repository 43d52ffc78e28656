/* libunwind's functions, and what it calls instead of libc's. Where its header is missing, frame_pointers.h
 * is used instead: unwinder_load() succeeds, and there is nothing to flush. */
#ifndef THREADLEAK_PRELOAD_BACKTRACE_UNWINDER_H
#define THREADLEAK_PRELOAD_BACKTRACE_UNWINDER_H

#include <stdbool.h>

#if __has_include(<libunwind.h>)
#define HAS_LIBUNWIND 1
#define UNW_LOCAL_ONLY
#include <libunwind.h>

/* libunwind's function names contain the architecture ("_Ux86_64_…"). */
#ifdef __x86_64__
typedef int getcontext_fn(unw_context_t *);
#define GETCONTEXT(context) unwinder.getcontext(context)
#else /* unw_getcontext is a macro of assembly */
#define GETCONTEXT(context) unw_getcontext(context)
#endif

struct unwinder {
    int (*backtrace)(void **, int);
    int (*init_local)(unw_cursor_t *, unw_context_t *);
    int (*step)(unw_cursor_t *);
    int (*get_reg)(unw_cursor_t *, int, unw_word_t *);
    void (*set_caching_policy)(unw_addr_space_t, unw_caching_policy_t);
    void (*flush_cache)(unw_addr_space_t, unw_word_t, unw_word_t);
    unw_accessors_t *(*accessors)(unw_addr_space_t);
    unw_addr_space_t *local;
    int (*init_local2)(unw_cursor_t *, unw_context_t *, int);
    int (*access_mem)(unw_addr_space_t, unw_word_t, unw_word_t *, int, void *);
#ifdef __x86_64__
    getcontext_fn *getcontext;
#endif
};
extern struct unwinder unwinder;
#else
#define HAS_LIBUNWIND 0
#endif

/* Loads libunwind. False: it is not installed, or a function that it imports cannot be replaced. */
bool unwinder_load(void);

/* Can it unwind what a signal interrupted? */
bool unwinder_reads_safely(void);

/* Empties the cache that all threads share. */
void unwinder_flush(void);

#endif
