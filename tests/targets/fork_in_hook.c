/* Forks in the middle of each hook: where the shim calls a function of libc, the first time, the second time
 * and so on. The child goes on in the hook, as after a signal handler that forks, and must work as its parent
 * does. */
#include <dlfcn.h>
#include <link.h>

#include "target.h"

static uintptr_t shim_from, shim_to;
static _Atomic int calls_left; /* the call that counts it down to 0 forks */
static __thread int is_child;

static int find_shim(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size, (void)arg;
    if (!strstr(info->dlpi_name, "libthreadleak.so"))
        return 0;
    shim_from = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD)
            shim_to = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
    return 1;
}

static void fork_now(int signal)
{
    int status;
    (void)signal;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60);
        is_child = 1;
        return;
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0)
        dprintf(2, "child: status 0x%x\n", status);
    CHECK(status == 0);
}

static void call_from(void *caller)
{
    if ((uintptr_t)caller >= shim_from && (uintptr_t)caller < shim_to && calls_left > 0 && --calls_left == 0)
        fork_now(0);
}

/* What the shim calls in its hooks comes here first. */
#define INTERPOSE(type, name, params, args)            \
    type name params                                   \
    {                                                  \
        static type(*next) params;                     \
        if (!next)                                     \
            *(void **)&next = dlsym(RTLD_NEXT, #name); \
        call_from(__builtin_return_address(0));        \
        return next args;                              \
    }
INTERPOSE(int, clock_gettime, (clockid_t clock, struct timespec *now), (clock, now))
INTERPOSE(pthread_t, pthread_self, (void), ())
INTERPOSE(int, pthread_attr_getdetachstate, (const pthread_attr_t *attr, int *state), (attr, state))
INTERPOSE(int, pthread_setspecific, (pthread_key_t key, const void *value), (key, value))
INTERPOSE(void *, pthread_getspecific, (pthread_key_t key), (key))
INTERPOSE(size_t, strnlen, (const char *text, size_t size), (text, size))
INTERPOSE(int *, __errno_location, (void), ())

/* ---- what forks ------------------------------------------------------------------------ */

static void end_child(void)
{
    if (!is_child)
        return;
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    _exit(0);
}

static void *body(void *event)
{
    end_child();
    await(event);
    return event;
}

/* In a child that was forked by the new thread or by the creator, there is no other thread. */
static void whole_life(void)
{
    static sem_t event;
    pthread_attr_t attr;
    pthread_t thread;
    void *value;
    CHECK(sem_init(&event, 0, 0) == 0 && pthread_attr_init(&attr) == 0);
    CHECK(pthread_create(&thread, &attr, body, &event) == 0);
    int result = pthread_setname_np(thread, "name");
    CHECK(result == 0 || is_child);
    sem_post(&event);
    if (!is_child)
        CHECK(pthread_join(thread, &value) == 0 && value == &event);
}

static void *detached_body(void *arg)
{
    end_child();
    sem_post(&ready);
    return arg;
}

static void detached_life(void)
{
    pthread_t thread = start(detached_body, NULL);
    int result = pthread_detach(thread);
    CHECK(result == 0 || is_child);
    if (!is_child)
        await_ready(1);
}

static void failed_join(void)
{
    static sem_t event;
    struct timespec over = {0, 0};
    CHECK(sem_init(&event, 0, 0) == 0);
    pthread_t thread = start(body, &event);
    int busy = pthread_tryjoin_np(thread, NULL), late = pthread_timedjoin_np(thread, NULL, &over);
    CHECK((busy == EBUSY && late == ETIMEDOUT) || is_child);
    sem_post(&event);
    if (!is_child)
        CHECK(pthread_join(thread, NULL) == 0);
}

/* A signal waits for the new thread, and comes before its first instruction. */
static void before_it_begins(void)
{
    static int (*set_mask)(pthread_attr_t *, const sigset_t *); /* since glibc 2.32 */
    sigset_t usr1, none;
    pthread_attr_t attr;
    pthread_t thread;
    *(void **)&set_mask = dlsym(RTLD_DEFAULT, "pthread_attr_setsigmask_np");
    if (!set_mask)
        return;
    signal(SIGUSR1, fork_now);
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, &usr1, NULL) == 0 && kill(getpid(), SIGUSR1) == 0);
    CHECK(pthread_attr_init(&attr) == 0 && set_mask(&attr, &none) == 0);
    CHECK(pthread_create(&thread, &attr, detached_body, NULL) == 0);
    await_ready(1);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void set_again(void *key)
{
    static _Thread_local int rounds;
    end_child();
    if (rounds++ < 2)
        pthread_setspecific(*(pthread_key_t *)key, key);
}

static pthread_key_t key;

static void *with_destructor(void *arg)
{
    pthread_setspecific(key, &key);
    return arg;
}

static void destructors(void)
{
    pthread_t thread = start(with_destructor, NULL);
    if (!is_child)
        CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
    void (*const lives[])(void) = {whole_life, detached_life, failed_join, destructors};
    dl_iterate_phdr(find_shim, NULL);
    CHECK(pthread_key_create(&key, set_again) == 0);
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    for (size_t i = 0; i < sizeof(lives) / sizeof(*lives); i++)
        for (int n = 1, forked = 1; forked; n++) {
            calls_left = n;
            lives[i]();
            end_child();
            forked = calls_left == 0;
            calls_left = 0;
        }
    before_it_begins();
    puts("done");
    return 0;
}
