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

/* Off: two loads and a jump. `record` is called before the real function if wakes are on. */
#define HOOKED(record, name, object, ...)                                                       \
    do {                                                                                        \
        __typeof__(real_found.name) real = real_found.name;                                     \
        if (__builtin_expect(wakes_are_on() || !real, 0))                                       \
            real = (__typeof__(real))prepare(record, object, (void **)&real_found.name, #name); \
        return real(object, ##__VA_ARGS__);                                                     \
    } while (0)
#define NOTIFY(...) HOOKED(wake_notified, __VA_ARGS__)
#define WAIT(...) HOOKED(wake_waits, __VA_ARGS__)
#define FORGET(...) HOOKED(wake_forget, __VA_ARGS__)

/* Returns the real function. */
static __attribute__((noinline)) void *prepare(void (*record)(const void *), const void *object, void **place,
                                               const char *name)
{
    real_look_up(place, name);
    if (wakes_are_on() && record != wake_forget)
        shake_pause();
    if (wakes_are_on())
        record(object);
    return *place;
}

/* ---- condition variables ----------------------------------------------------------------- */

EXPORT int pthread_cond_signal(pthread_cond_t *cond)
{
    NOTIFY(pthread_cond_signal, cond);
}

EXPORT int pthread_cond_broadcast(pthread_cond_t *cond)
{
    NOTIFY(pthread_cond_broadcast, cond);
}

EXPORT int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    WAIT(pthread_cond_wait, cond, mutex);
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
    WAIT(pthread_cond_timedwait, cond, mutex, until);
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                                  const struct timespec *until)
{
    WAIT(pthread_cond_clockwait, cond, mutex, clock, until);
}

EXPORT int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
    FORGET(pthread_cond_init, cond, attr);
}

EXPORT int pthread_cond_destroy(pthread_cond_t *cond)
{
    FORGET(pthread_cond_destroy, cond);
}

/* ---- those of C11, which call libc's own functions --------------------------------------- */

EXPORT int cnd_signal(cnd_t *cond)
{
    NOTIFY(cnd_signal, cond);
}

EXPORT int cnd_broadcast(cnd_t *cond)
{
    NOTIFY(cnd_broadcast, cond);
}

EXPORT int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    WAIT(cnd_wait, cond, mutex);
}

EXPORT int cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until)
{
    WAIT(cnd_timedwait, cond, mutex, until);
}

EXPORT int cnd_init(cnd_t *cond)
{
    FORGET(cnd_init, cond);
}

EXPORT void cnd_destroy(cnd_t *cond)
{
    FORGET(cnd_destroy, cond);
}

/* ---- semaphores ------------------------------------------------------------------------------ */

EXPORT int sem_post(sem_t *semaphore)
{
    NOTIFY(sem_post, semaphore);
}

EXPORT int sem_wait(sem_t *semaphore)
{
    WAIT(sem_wait, semaphore);
}

EXPORT int sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    WAIT(sem_timedwait, semaphore, until);
}

EXPORT int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
    WAIT(sem_clockwait, semaphore, clock, until);
}

EXPORT int sem_init(sem_t *semaphore, int shared, unsigned value)
{
    FORGET(sem_init, semaphore, shared, value);
}

EXPORT int sem_destroy(sem_t *semaphore)
{
    FORGET(sem_destroy, semaphore);
}
