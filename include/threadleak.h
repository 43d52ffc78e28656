/*
 * A program checks itself for leaked threads.
 *
 *     threadleak_checkpoint_t before = threadleak_checkpoint();
 *     test_that_should_clean_up();
 *     if (threadleak_check_since(before, NULL) != 0)
 *         fail("threads leaked");
 *
 * The header needs no library.  libthreadleak.so does the work.  It is loaded when the
 * program runs under `threadleak run`, or with it in LD_PRELOAD.  Without it,
 * all functions do nothing and return 0, and so does threadleak_active().  A test that
 * uses them still runs everywhere, also in a static program.
 *
 * C99, C11, C++11 and later; gcc and clang.  Several threads may call every function at
 * once, also from constructors, from exit handlers, and on small stacks.  No function is
 * a cancellation point, and none changes errno.  Do not call them in signal handlers: a
 * check there fails if threadleak notices it.
 *
 * Errors: the function returns -1, and prints one line on standard error.  A misspelled
 * option or rule is always an error, and never a check that passed.
 *
 * Threads: those that pthread_create or thrd_create made.  Untracked threads, whose creation
 * the shim did not see, never count.  Neither do the main thread and the caller of a check.
 */
#ifndef THREADLEAK_THREADLEAK_H
#define THREADLEAK_THREADLEAK_H

#include "threadleak/abi.h"

#ifdef __cplusplus
/* Some C++ projects enable warnings about C casts and null pointers. */
#pragma GCC system_header
extern "C" {
#endif

/*
 * A program can define one or both of these functions, with C linkage.  Each is called once,
 * before main.  A program has only one function of each name, so a library calls
 * threadleak_add_suppressions() instead.
 *
 * Options: as in THREADLEAK_OPTIONS, which overrides them.  Under `threadleak run`, report=,
 * judge=, grace_ms= and stacks= also apply to the end of the process, unless the command line
 * of run sets them.  run prints a line when it uses them.  It ignores exitcode=.
 * Suppressions: one rule a line, as in a file for --suppressions.
 */
const char *__threadleak_default_options(void) __attribute__((weak, visibility("default")));
const char *__threadleak_default_suppressions(void) __attribute__((weak, visibility("default")));

/* ---- internal: how the header finds the shim -------------------------------------- */

/*
 * A weak reference to the table is not enough: in a program linked with -no-pie, the linker
 * sets it to 0, although the library is loaded later.  So dlsym finds the table.  dlsym is
 * weak, too, because before glibc 2.34 a program may not have it.  Then only the reference works.
 */
extern const struct threadleak_abi threadleak_abi_1 __attribute__((weak, visibility("default")));
static void *threadleak_dlsym_(void *, const char *) __attribute__((weakref("dlsym")));
static char *threadleak_dlerror_(void) __attribute__((weakref("dlerror")));

struct threadleak_found_ {
    const struct threadleak_abi *abi;
    int looked;
};
/* Each program or library that includes this header has one. */
extern struct threadleak_found_ threadleak_found_ __attribute__((weak, visibility("hidden")));
struct threadleak_found_ threadleak_found_ __attribute__((weak, visibility("hidden"))) = {0, 0};

static __inline__ const struct threadleak_abi *threadleak_find_(void)
{
    const struct threadleak_abi *abi = &threadleak_abi_1;
    if (!abi && threadleak_dlsym_) {
        abi = (const struct threadleak_abi *)threadleak_dlsym_((void *)0, THREADLEAK_ABI_SYMBOL);
        if (!abi && threadleak_dlerror_)
            (void)threadleak_dlerror_(); /* clears our error, so that the program does not read it */
    }
    return abi && abi->size >= offsetof(struct threadleak_abi, list) ? abi : (const struct threadleak_abi *)0;
}

static __inline__ const struct threadleak_abi *threadleak_get_(void)
{
    if (!__atomic_load_n(&threadleak_found_.looked, __ATOMIC_ACQUIRE)) {
        const struct threadleak_abi *abi = threadleak_find_();
        __atomic_store_n(&threadleak_found_.abi, abi, __ATOMIC_RELAXED);
        __atomic_store_n(&threadleak_found_.looked, 1, __ATOMIC_RELEASE);
        if (abi)
            (void)abi->defaults(
                __threadleak_default_options ? __threadleak_default_options() : (const char *)0,
                __threadleak_default_suppressions ? __threadleak_default_suppressions() : (const char *)0);
    }
    return __atomic_load_n(&threadleak_found_.abi, __ATOMIC_RELAXED);
}

/* It runs before main.  Later, another thread could hold the loader's lock.  And the end of the
 * process needs the program's options. */
__attribute__((constructor)) static void threadleak_start_(void)
{
    (void)threadleak_get_();
}

/* With the source of a test function, for adapters.  An older library prints its report. */
static __inline__ int threadleak_list_(uint64_t since, const char *options, const void *function, char *text,
                                       size_t size)
{
    const struct threadleak_abi *abi = threadleak_get_();
    const char *where = function ? "\nsee standard error\n" : "see standard error\n";
    size_t i;
    int leaked;
    if (abi && abi->size >= sizeof(*abi))
        return abi->list(&since, options, function, text, size);
    leaked = abi ? abi->check(&since, options) : 0;
    for (i = 0; leaked > 0 && i + 1 < size && where[i]; i++)
        text[i] = where[i];
    if (size)
        text[i] = 0;
    return leaked;
}

/* ---- use --------------------------------------------------------------------------- */

/* 1: the shim watches threads.  0: it does not, and all functions below do nothing. */
static __inline__ int threadleak_active(void)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->active() : 0;
}

/*
 * A point in time.  A check since then ignores the threads that existed at that point.
 * Each thread has a number that is never used twice.  So a new thread with the pthread_t of
 * an old one is still new.  The call is cheap.  A checkpoint belongs to its process: in a
 * forked child it is an error.  0: the shim is not active.
 */
typedef uint64_t threadleak_checkpoint_t;
static __inline__ threadleak_checkpoint_t threadleak_checkpoint(void)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->checkpoint() : 0;
}

/*
 * Returns the number of leaked threads that were created since the checkpoint: alive and
 * joinable, alive and detached, or finished and never joined.  If it is not 0, a report says
 * who created them and where they are now.  -1: the check failed.
 *
 * The check waits for threads that are about to end.  It checks again after 1 us, 2 us, 4 us
 * and so on, at most every 100 ms, for grace_ms in all.  It stops earlier when no such thread
 * is left.  The report then stops every thread for a moment.
 *
 * options: "key=value key=value" in the syntax of THREADLEAK_OPTIONS.  NULL or "": the options
 * of the process.  These apply to this check alone:
 *
 *     grace_ms=N                how long to wait, in ms; 431
 *     report=running,detached   kinds that count: running, detached, unjoined
 *     format= log_path= color= stacks= suppressions=FILE   as in THREADLEAK_OPTIONS
 *
 * These ignore threads, and each may be given several times.  NAME is the whole name.  A '*'
 * in it matches any text.  "ns::beat" also matches "ns::beat(int)":
 *
 *     ignore_creator=NAME   a function of the creation stack, or the start routine
 *     ignore_start=NAME     the start routine, or the function that std::thread calls in it
 *     ignore_top=NAME       the innermost function of the current stack
 *     ignore_any=NAME       any function of the current stack
 *     ignore_name=NAME      the name of the thread, from pthread_setname_np
 *     ignore='RULE'         a rule as in a file for --suppressions
 */
static __inline__ int threadleak_check_since(threadleak_checkpoint_t since, const char *options)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->check(&since, options) : 0;
}

/* The same for all threads of the process. */
static __inline__ int threadleak_check(const char *options)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->check((const uint64_t *)0, options) : 0;
}

/*
 * The same as threadleak_check_since, for the message of a test that fails.  It prints no report.  It
 * writes one line for each creation site into `text`, at most `size` bytes:
 *
 *     1 running thread, never joined, created by pool_start (src/pool.c:42), runs worker_loop (src/pool.c:18)
 *
 * The report at the end of the process has the stacks.  That end is judged, even if it is _exit.  The text
 * is "" if no thread leaked, or if the check failed.
 */
static __inline__ int threadleak_list_since(threadleak_checkpoint_t since, const char *options, char *text,
                                            size_t size)
{
    return threadleak_list_(since, options, (const void *)0, text, size);
}

/*
 * This thread never counts, neither in checks nor at the end of the process.  Reports print
 * "program: REASON".  The handle must be valid, as for pthread_join.  -1: the thread is
 * untracked.
 */
static __inline__ int threadleak_ignore_thread(pthread_t thread, const char *reason)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->ignore_thread(thread, reason) : 0;
}

/* Adds rules, one a line, for all later checks and for the end of the process.  The shim keeps a
 * copy, also in a forked child.  All rules together may have 16 KiB. */
static __inline__ int threadleak_add_suppressions(const char *rules)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->add_suppressions(rules) : 0;
}

/*
 * Changes options of the process, in the syntax of THREADLEAK_OPTIONS, which they override.  On
 * an error it changes nothing.  Do not call it while another thread is in a check.  The options
 * also apply to the end of the process.  Under `threadleak run` only report=, judge=, grace_ms=
 * and stacks= do so, and run prints a line.
 */
static __inline__ int threadleak_set_options(const char *options)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->set_options(options) : 0;
}

/* Kinds of threads; a set of them is their bitwise or. */
enum {
    THREADLEAK_RUNNING = 1,                                      /* alive and joinable */
    THREADLEAK_DETACHED = 2,                                     /* alive and detached */
    THREADLEAK_UNJOINED = 4,                                     /* finished and never joined */
    THREADLEAK_ALIVE = THREADLEAK_RUNNING | THREADLEAK_DETACHED, /* without the main thread */
    THREADLEAK_ALL = THREADLEAK_RUNNING | THREADLEAK_DETACHED | THREADLEAK_UNJOINED
};

/* How many threads of these kinds exist, with the ignored ones and the caller.  It neither waits
 * nor prints.  -1: not a kind. */
static __inline__ long threadleak_count(unsigned kinds)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->count(kinds) : 0;
}

/* Writes a report of every live thread to the descriptor, as on the dump signal, in the format
 * of the process. */
static __inline__ int threadleak_dump(int fd)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->dump(fd) : 0;
}

/*
 * Sets the name of the running test for reports.  NULL: the test has ended; only the name in the
 * environment remains, if any (pytest and bats set one).  The shim keeps a copy of at most 511 bytes.
 *
 * Threads that are created while the test runs belong to it, and so do threads that these create, also
 * later.  Reports name it with each of them.  A check since a checkpoint ignores threads that belong to a
 * test which began before that checkpoint.
 */
static __inline__ int threadleak_test(const char *name)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->test(name) : 0;
}

#ifdef __cplusplus
}
#endif

#endif
