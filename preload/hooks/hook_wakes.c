/*
 * The hooks for condition variables and semaphores, which only do something with wakes=1. Then they record
 * what happens before the real function, and call that last: no frame of ours is on the stack in a wait, and
 * a cancellation or fork in it needs no care.
 *
 * They are exported also when wakes are off, which costs half a nanosecond a call. An IFUNC cannot choose
 * libc's function instead: with LD_BIND_NOW the loader calls its resolver for other libraries before it has
 * relocated this one, and the program crashes. Nor can a second library: only LD_PRELOAD could load it early
 * enough, and not an option.
 */
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

#include "preload/ledger/wakes.h"
#include "preload/shim/real.h"
#include "preload/shim/shake.h"

/* Returns the real function. */
static __attribute__((noinline)) void *prepare(void (*record)(const void *), const void *object, void **place,
                                               const char *name)
{
    void *real = real_look_up(place, name);
    if (wakes_are_on() && record != wake_forget)
        shake_pause();
    if (wakes_are_on())
        record(object);
    return real;
}

/* Off: two loads and a jump. `record` is called before the real function if wakes are on. */
#define WAKE_HOOK(record, type, name, parameters, object, ...)                                  \
    EXPORT type name parameters                                                                 \
    {                                                                                           \
        __typeof__(real_found.name) real = real_found.name;                                     \
        if (__builtin_expect(wakes_are_on() || !real, 0))                                       \
            real = (__typeof__(real))prepare(record, object, (void **)&real_found.name, #name); \
        return real(object, ##__VA_ARGS__);                                                     \
    }
#define WAKE_HOOK_1(record, type, name, A) WAKE_HOOK(record, type, name, (A a), a)
#define WAKE_HOOK_2(record, type, name, A, B) WAKE_HOOK(record, type, name, (A a, B b), a, b)
#define WAKE_HOOK_3(record, type, name, A, B, C) WAKE_HOOK(record, type, name, (A a, B b, C c), a, b, c)
#define WAKE_HOOK_4(record, type, name, A, B, C, D) \
    WAKE_HOOK(record, type, name, (A a, B b, C c, D d), a, b, c, d)

/* clang-format off */
WAKE_HOOK_1(wake_notified, int, pthread_cond_signal, pthread_cond_t *)
WAKE_HOOK_1(wake_notified, int, pthread_cond_broadcast, pthread_cond_t *)
WAKE_HOOK_2(wake_waits, int, pthread_cond_wait, pthread_cond_t *, pthread_mutex_t *)
WAKE_HOOK_3(wake_waits, int, pthread_cond_timedwait, pthread_cond_t *, pthread_mutex_t *, const struct timespec *)
WAKE_HOOK_4(wake_waits, int, pthread_cond_clockwait, pthread_cond_t *, pthread_mutex_t *, clockid_t,
            const struct timespec *)
WAKE_HOOK_2(wake_forget, int, pthread_cond_init, pthread_cond_t *, const pthread_condattr_t *)
WAKE_HOOK_1(wake_forget, int, pthread_cond_destroy, pthread_cond_t *)

/* Those of C11 call libc's own functions. */
WAKE_HOOK_1(wake_notified, int, cnd_signal, cnd_t *)
WAKE_HOOK_1(wake_notified, int, cnd_broadcast, cnd_t *)
WAKE_HOOK_2(wake_waits, int, cnd_wait, cnd_t *, mtx_t *)
WAKE_HOOK_3(wake_waits, int, cnd_timedwait, cnd_t *, mtx_t *, const struct timespec *)
WAKE_HOOK_1(wake_forget, int, cnd_init, cnd_t *)
WAKE_HOOK_1(wake_forget, void, cnd_destroy, cnd_t *)

WAKE_HOOK_1(wake_notified, int, sem_post, sem_t *)
WAKE_HOOK_1(wake_waits, int, sem_wait, sem_t *)
WAKE_HOOK_2(wake_waits, int, sem_timedwait, sem_t *, const struct timespec *)
WAKE_HOOK_3(wake_waits, int, sem_clockwait, sem_t *, clockid_t, const struct timespec *)
WAKE_HOOK_3(wake_forget, int, sem_init, sem_t *, int, unsigned)
WAKE_HOOK_1(wake_forget, int, sem_destroy, sem_t *)
/* clang-format on */
