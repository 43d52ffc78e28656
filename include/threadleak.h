/*
 * Threads that are left behind, asked from within the program.
 *
 *     threadleak_checkpoint_t before = threadleak_checkpoint();
 *     test_that_should_clean_up();
 *     if (threadleak_check_since(before, NULL) != 0)
 *         fail("it left threads behind");
 *
 * Nothing is to be linked.  The work is done by libthreadleak.so, which is there when
 * the program runs under `threadleak run`, or with LD_PRELOAD=libthreadleak.so.  Without
 * it everything here does nothing and returns 0, and threadleak_active() says so: tests
 * that use it still run anywhere, also in static programs.
 *
 * C99, C11, C++11 and later; gcc and clang.  Every function may be called by several
 * threads at once, from constructors and from exit handlers, and on small stacks.  None
 * is a cancellation point, and none changes errno.  Not for signal handlers: there a
 * check is refused where that can be told.
 *
 * Errors: -1, and one line on standard error that says what is wrong.  A misspelled option
 * or rule never passes for a check without leaks.
 *
 * Threads: those made by pthread_create or thrd_create.  A thread that was not seen to be
 * created is never counted, nor is the main thread, nor the one that calls a check.
 */
#ifndef THREADLEAK_THREADLEAK_H
#define THREADLEAK_THREADLEAK_H

#include "threadleak/abi.h"

#ifdef __cplusplus
/* Casts and null pointers here are C's, which some C++ projects warn of. */
#pragma GCC system_header
extern "C" {
#endif

/*
 * What the program brings, by defining one or both of these, with C linkage.  Each is
 * asked once, at start, before main.  They are one for a program, as functions with one
 * name are: a library adds its rules by threadleak_add_suppressions().
 *
 * Options: as in THREADLEAK_OPTIONS, which goes over them where both set the same.  Under
 * `threadleak run` report=, judge=, grace_ms= and stacks= hold for the end, too, where its command
 * line does not say otherwise, and run tells that it goes by them; exitcode= is run's own affair.
 * Suppressions: one rule a line, as in a file for --suppressions.
 */
const char *__threadleak_default_options(void) __attribute__((weak, visibility("default")));
const char *__threadleak_default_suppressions(void) __attribute__((weak, visibility("default")));

/* ---- how it is found: not for use ------------------------------------------------- */

/*
 * dlsym, and not a weak reference to the table: in a program linked with -no-pie the
 * linker settles that to 0 for good, although the library will be there.  Weak dlsym,
 * since before glibc 2.34 a program may have none; then the reference may still do.
 */
extern const struct threadleak_abi threadleak_abi_1 __attribute__((weak, visibility("default")));
static void *threadleak_dlsym_(void *, const char *) __attribute__((weakref("dlsym")));
static char *threadleak_dlerror_(void) __attribute__((weakref("dlerror")));

struct threadleak_found_ {
    const struct threadleak_abi *abi;
    int looked;
};
/* One for each program or library that includes this, however many files of it do. */
extern struct threadleak_found_ threadleak_found_ __attribute__((weak, visibility("hidden")));
struct threadleak_found_ threadleak_found_ __attribute__((weak, visibility("hidden"))) = {0, 0};

static __inline__ const struct threadleak_abi *threadleak_find_(void)
{
    const struct threadleak_abi *abi = &threadleak_abi_1;
    if (!abi && threadleak_dlsym_) {
        abi = (const struct threadleak_abi *)threadleak_dlsym_((void *)0, THREADLEAK_ABI_SYMBOL);
        if (!abi && threadleak_dlerror_)
            (void)threadleak_dlerror_(); /* the program's next look at it is its own */
    }
    return abi && abi->size >= sizeof(struct threadleak_abi) ? abi : (const struct threadleak_abi *)0;
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

/* Before main, so that nothing is looked up while some thread holds the loader's lock,
 * and so that what the program brings is known at its end. */
__attribute__((constructor)) static void threadleak_start_(void)
{
    (void)threadleak_get_();
}

/* ---- use --------------------------------------------------------------------------- */

/* 1: threads are being watched.  0: they are not, and nothing below does anything. */
static __inline__ int threadleak_active(void)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->active() : 0;
}

/*
 * A moment: threads that exist at it are none of the business of a check since then.
 * They are told apart by a number that is never used twice, so a new thread that gets
 * the pthread_t of an old one is still new.  Costs next to nothing.  It is of its process:
 * in a forked child it is refused.  0 when not active.
 */
typedef uint64_t threadleak_checkpoint_t;
static __inline__ threadleak_checkpoint_t threadleak_checkpoint(void)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->checkpoint() : 0;
}

/*
 * The number of threads, created since the checkpoint, that are left: alive and not
 * joined, alive and detached, or ended and never joined.  Above 0 a report says which
 * they are, who created them and where they are now.  -1: it could not be told.
 *
 * Threads on their way out are waited for: looked at again after 1 us, 2 us, 4 us … up to
 * every 100 ms, for grace_ms in all, and no longer than there is something to wait for.
 * The report then stops every thread for a moment.
 *
 * options: "key=value key=value" in the syntax of THREADLEAK_OPTIONS; NULL or "": as the
 * process is set.  For this check alone:
 *
 *     grace_ms=N                how long to wait, ms; 431
 *     report=running,detached   kinds that count: running, detached, unjoined
 *     format= log_path= color= stacks= suppressions=FILE   as there
 *
 * and which threads are not to count, each as often as wanted.  A name is matched whole,
 * and a '*' in it stands for any text ("ns::beat" is "ns::beat(int)", too):
 *
 *     ignore_creator=NAME   created within this function, however deep, or started in it
 *     ignore_start=NAME     this is its start routine, or what std::thread calls in it
 *     ignore_top=NAME       it is in this function now: the innermost frame
 *     ignore_any=NAME       this function is anywhere in its present stack
 *     ignore_name=NAME      its name, as pthread_setname_np gave it
 *     ignore='RULE'         a rule as in a file for --suppressions
 */
static __inline__ int threadleak_check_since(threadleak_checkpoint_t since, const char *options)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->check(&since, options) : 0;
}

/* The same since the process began. */
static __inline__ int threadleak_check(const char *options)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->check((const uint64_t *)0, options) : 0;
}

/*
 * This thread never counts, neither in checks nor at the end of the process; reports say
 * "program: REASON".  The handle must be valid, as for pthread_join.  -1: a thread whose
 * creation was not seen.
 */
static __inline__ int threadleak_ignore_thread(pthread_t thread, const char *reason)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->ignore_thread(thread, reason) : 0;
}

/* Rules, one a line, for all checks from now on and for the end of the process.  Kept as a
 * copy, in a forked child, too.  At most 16 KiB in all. */
static __inline__ int threadleak_add_suppressions(const char *rules)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->add_suppressions(rules) : 0;
}

/*
 * Changes options of the process, in the syntax of THREADLEAK_OPTIONS and over it; all or
 * none.  Not while another thread is in a check.  The end of the process goes by them,
 * too; under `threadleak run` that holds for report=, judge=, grace_ms= and stacks=, and run says so.
 */
static __inline__ int threadleak_set_options(const char *options)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->set_options(options) : 0;
}

/* Kinds of thread, to be combined. */
enum {
    THREADLEAK_RUNNING = 1,                                      /* alive, joinable */
    THREADLEAK_DETACHED = 2,                                     /* alive, detached */
    THREADLEAK_UNJOINED = 4,                                     /* ended, not joined */
    THREADLEAK_ALIVE = THREADLEAK_RUNNING | THREADLEAK_DETACHED, /* but the main thread */
    THREADLEAK_ALL = THREADLEAK_RUNNING | THREADLEAK_DETACHED | THREADLEAK_UNJOINED
};

/* How many there are now, ignored ones and the caller included; neither waits nor prints.
 * -1: no such kind. */
static __inline__ long threadleak_count(unsigned kinds)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->count(kinds) : 0;
}

/* Writes the report of every live thread, the same that the dump signal gives, to a
 * descriptor, in the format that the process is set to. */
static __inline__ int threadleak_dump(int fd)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->dump(fd) : 0;
}

/* Names the test that runs now, for reports; NULL: none does, but for one that the
 * environment names (as pytest and bats do).  A copy of up to 511 bytes is kept. */
static __inline__ int threadleak_test(const char *name)
{
    const struct threadleak_abi *abi = threadleak_get_();
    return abi ? abi->test(name) : 0;
}

#ifdef __cplusplus
}
#endif

#endif
