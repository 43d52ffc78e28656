/* The hooks for threads. A thread can be cancelled in the real function, so our work must be complete before.
 */
#include <pthread.h>
#include <threads.h>

#include "preload/backtrace/capture.h"
#include "preload/backtrace/signal_capture.h"
#include "preload/exit/dump.h"
#include "preload/ledger/argument.h"
#include "preload/ledger/lost.h"
#include "preload/ledger/misuse.h"
#include "preload/ledger/slot.h"
#include "preload/ledger/test.h"
#include "preload/ledger/thread.h"
#include "preload/ledger/thread_key.h"
#include "preload/ledger/thread_life.h"
#include "preload/ledger/thread_join.h"
#include "preload/shim/hook.h"
#include "preload/shim/real.h"
#include "preload/shim/shake.h"
#include "preload/shim/state.h"
#include "preload/start/start.h"

#define CALLER __builtin_extract_return_addr(__builtin_return_address(0))

/* Sets shim_tls at the first call of a thread in a process. */
static uint64_t take_serial(const struct shim_state *state)
{
    uint64_t serial = thread_own_serial(state);
    if (shim_tls.epoch != state->epoch) {
        shim_tls.slot = NULL;
        shim_tls.serial = serial;
        shim_tls.epoch = state->epoch;
    }
    return serial;
}

/* ---- creation ------------------------------------------------------------------- */

static bool attr_is_detached(const pthread_attr_t *attr)
{
    int how = PTHREAD_CREATE_JOINABLE;
    if (!attr)
        return shim_config.default_detached;
    return pthread_attr_getdetachstate(attr, &how) == 0 && how == PTHREAD_CREATE_DETACHED;
}

static bool attr_is_small(const pthread_attr_t *attr)
{
    size_t size = 0;
    if (!attr)
        return shim_config.default_small;
    return pthread_attr_getstacksize(attr, &size) == 0 && size < SMALL_STACK;
}

/* Each frame that is ours costs the backtrace 75 instructions. */
static inline __attribute__((always_inline)) struct ledger_slot *prepare(const struct hook *hook,
                                                                         struct new_thread *thread,
                                                                         const pthread_attr_t *attr,
                                                                         void *caller)
{
    struct shim_state *state = hook->state;
    if (!state)
        return NULL;
    struct passed passed = argument_passed(state, thread->arg);
    if (__builtin_expect(!atomic_load_explicit(&state->signal_armed, memory_order_relaxed), 0))
        shim_before_threads(state);
    *thread = (struct new_thread){
        .site = capture_site(state, caller, thread->start, hook->guard.nested),
        .start = thread->start,
        .arg = thread->arg,
        .created_by = take_serial(state),
        .test = test_of_new_thread(state), /* after take_serial */
        .now_ns = shim_coarse_ns(),
        .detached = attr_is_detached(attr),
        .small_stack = attr_is_small(attr),
        .passed = passed,
    };
    struct ledger_slot *slot = thread_new(state, thread);
    argument_slot(&thread->passed, slot);
    return slot;
}

static int without_record(int result, int success, bool lost)
{
    if (result == success && lost)
        lost_creation();
    return result;
}

/* real_create(START, ARG): the real function. error: errno for its `result`; 0: not known. */
#define CREATE(real_create, attr, trampoline, success, error)                         \
    do {                                                                              \
        struct hook hook = hook_enter(shim_ready);                                    \
        struct new_thread created = {.start = (uint64_t)start, .arg = (uint64_t)arg}; \
        struct ledger_slot *slot = prepare(&hook, &created, attr, CALLER);            \
        if (!slot) {                                                                  \
            bool lost = !hook.state;                                                  \
            hook_leave(&hook);                                                        \
            return without_record(real_create(start, arg), success, lost);            \
        }                                                                             \
        struct thread_birth *birth = slot_birth(hook.state, slot);                    \
        shake_create(slot);                                                           \
        hook_pause(&hook);                                                            \
        int result = real_create(trampoline, birth);                                  \
        hook_resume(&hook);                                                           \
        if (hook.state && result == (success)) {                                      \
            thread_created(hook.state, &created);                                     \
        } else if (hook.state)                                                        \
            thread_failed(hook.state, slot, &created, error);                         \
        hook_leave(&hook);                                                            \
        shake_pause();                                                                \
        return result;                                                                \
    } while (0)

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
#define REAL_CREATE(routine, argument) REAL(pthread_create)(thread, attr, routine, argument)
    CREATE(REAL_CREATE, attr, thread_begin_pthread, 0, result);
#undef REAL_CREATE
}

/* glibc's thrd_create calls pthread_create without our hook. */
EXPORT int thrd_create(thrd_t *thread, thrd_start_t start, void *arg)
{
#define REAL_CREATE(routine, argument) REAL(thrd_create)(thread, routine, argument)
    CREATE(REAL_CREATE, NULL, thread_begin_thrd, thrd_success, result == thrd_nomem ? ENOMEM : 0);
#undef REAL_CREATE
}

/* ---- join and detach ---------------------------------------------------------------- */

struct join_hook {
    struct hook hook;
    struct join join;
};

/* A cancelled join has no effect. */
static void join_cancelled(void *arg)
{
    struct join_hook *cancelled = arg;
    hook_resume(&cancelled->hook);
    join_end(cancelled->hook.state, &cancelled->join, false, NULL);
    hook_leave(&cancelled->hook);
}

/* error: errno for the `result` of a call that failed; 0: not known. */
#define JOIN(success, call, error)                                          \
    do {                                                                    \
        struct join_hook here;                                              \
        shake_pause();                                                      \
        here.hook = hook_enter(shim_known);                                 \
        here.join = join_begin(here.hook.state, (pthread_t)thread);         \
        hook_pause(&here.hook);                                             \
        int result;                                                         \
        pthread_cleanup_push(join_cancelled, &here);                        \
        result = (call);                                                    \
        pthread_cleanup_pop(0);                                             \
        hook_resume(&here.hook);                                            \
        join_end(here.hook.state, &here.join, result == (success), CALLER); \
        if (result != (success))                                            \
            misuse_of_join(here.hook.state, &here.join, error, CALLER);     \
        hook_leave(&here.hook);                                             \
        return result;                                                      \
    } while (0)

EXPORT int pthread_join(pthread_t thread, void **value)
{
    JOIN(0, REAL(pthread_join)(thread, value), result);
}

EXPORT int pthread_tryjoin_np(pthread_t thread, void **value)
{
    JOIN(0, REAL(pthread_tryjoin_np)(thread, value), result);
}

EXPORT int pthread_timedjoin_np(pthread_t thread, void **value, const struct timespec *until)
{
    JOIN(0, REAL(pthread_timedjoin_np)(thread, value, until), result);
}

EXPORT int pthread_clockjoin_np(pthread_t thread, void **value, clockid_t clock, const struct timespec *until)
{
    JOIN(0, REAL(pthread_clockjoin_np)(thread, value, clock, until), result);
}

EXPORT int thrd_join(thrd_t thread, int *value)
{
    JOIN(thrd_success, REAL(thrd_join)(thread, value), 0);
}

#define DETACH(success, call, error)                                        \
    do {                                                                    \
        struct hook hook = hook_enter(shim_known);                          \
        struct detach detach = detach_begin(hook.state, (pthread_t)thread); \
        hook_pause(&hook);                                                  \
        int result = (call);                                                \
        hook_resume(&hook);                                                 \
        detach_end(hook.state, &detach, result == (success), CALLER);       \
        if (result != (success))                                            \
            misuse_of_detach(hook.state, &detach, error, CALLER);           \
        hook_leave(&hook);                                                  \
        return result;                                                      \
    } while (0)

EXPORT int pthread_detach(pthread_t thread)
{
    DETACH(0, REAL(pthread_detach)(thread), result);
}

EXPORT int thrd_detach(thrd_t thread)
{
    DETACH(thrd_success, REAL(thrd_detach)(thread), 0);
}

enum { TASK_NAME = 16 }; /* TASK_COMM_LEN of the kernel */

EXPORT int pthread_setname_np(pthread_t thread, const char *name)
{
    IN_HOOK(shim_known);
    struct thread_ref found = {0};
    /* Before the call: a detached thread can end, and its memory be gone. With a name that is too long, libc
     * does not read that memory either. */
    if (hook.state && strnlen(name, TASK_NAME) < TASK_NAME)
        found = thread_find(hook.state, thread);
    hook_pause(&hook);
    int result = REAL(pthread_setname_np)(thread, name);
    hook_resume(&hook);
    if (hook.state && result == 0 && found.slot && atomic_load(&found.slot->serial) == found.serial)
        thread_named(found.slot, name);
    return result;
}

/* ---- default attributes ------------------------------------------------------------- */

EXPORT int pthread_setattr_default_np(const pthread_attr_t *attr)
{
    int result = REAL(pthread_setattr_default_np)(attr);
    if (result == 0) {
        shim_config.default_detached = attr_is_detached(attr);
        shim_config.default_small = attr_is_small(attr);
    }
    return result;
}

/* ---- thread-specific keys ------------------------------------------------------------ */

/* They do not start the shim: ThreadSanitizer's constructor calls them too early for that. */

static int make_key(int (*create)(pthread_key_t *, void (*)(void *)), pthread_key_t *key,
                    void (*destructor)(void *), int success)
{
    int result = create(key, destructor);
    if (result != success && thread_key_give_back())
        result = create(key, destructor);
    if (result == success && destructor)
        thread_key_made(*key);
    return result;
}

EXPORT int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    return make_key(REAL(pthread_key_create), key, destructor, 0);
}

/* Libraries of compilers call it by this name. */
int __pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
EXPORT int __pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    return make_key(REAL(__pthread_key_create), key, destructor, 0);
}

EXPORT int tss_create(tss_t *key, tss_dtor_t destructor)
{
    return make_key(REAL(tss_create), key, destructor, thrd_success);
}

EXPORT int pthread_key_delete(pthread_key_t key)
{
    if (thread_key_is_ours(key))
        return EINVAL;
    int result = REAL(pthread_key_delete)(key);
    if (result == 0)
        thread_key_deleted(key);
    return result;
}

EXPORT void tss_delete(tss_t key)
{
    if (thread_key_is_ours(key))
        return;
    thread_key_deleted(key);
    REAL(tss_delete)(key);
}
