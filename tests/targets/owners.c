/* The main thread holds something that another thread wants, and waits: `owners KIND HOW`. Prints "up" when
 * the other thread runs; ends with its input, without a thread for that.
 *
 *   KIND  recursive errorcheck adaptive robust inherit robust_inherit shared
 *         rwlock rwlock_read rwlock_shared stdio stream loader once flock
 *         malloc; malloc_fork: fork() wants malloc's lock
 *   HOW   join      it joins the other thread
 *         pause     it waits for a signal
 *         timed     it joins the other thread, for at most an hour
 *         released  it has given it back when it joins the other thread, which waits for a signal
 *         third     as join, while a third thread waits for a signal */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "target.h"

#define AN_HOUR 3600
#define BIG 100000 /* not in a thread's cache */

struct kind {
    const char *name;
    void (*hold)(void (*then)(void));
    void (*want)(void);
};

static sem_t may_want;
static const struct kind *kind;
static pthread_t other;

/* ---- locks ------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t mutex;
    pthread_rwlock_t rwlock;
} private_locks, *locks = &private_locks;

static void hold_mutex(void (*then)(void))
{
    CHECK(pthread_mutex_lock(&locks->mutex) == 0);
    then();
    CHECK(pthread_mutex_unlock(&locks->mutex) == 0);
}

static void want_mutex(void)
{
    CHECK(pthread_mutex_lock(&locks->mutex) == 0);
    CHECK(pthread_mutex_unlock(&locks->mutex) == 0);
}

static void hold_for_writing(void (*then)(void))
{
    CHECK(pthread_rwlock_wrlock(&locks->rwlock) == 0);
    then();
    CHECK(pthread_rwlock_unlock(&locks->rwlock) == 0);
}

static void hold_for_reading(void (*then)(void))
{
    CHECK(pthread_rwlock_rdlock(&locks->rwlock) == 0);
    then();
    CHECK(pthread_rwlock_unlock(&locks->rwlock) == 0);
}

static void want_reading(void)
{
    CHECK(pthread_rwlock_rdlock(&locks->rwlock) == 0);
}

static void want_writing(void)
{
    CHECK(pthread_rwlock_wrlock(&locks->rwlock) == 0);
}

static void make_locks(const char *name)
{
    pthread_mutexattr_t kinds;
    pthread_rwlockattr_t of_rwlock;
    CHECK(pthread_mutexattr_init(&kinds) == 0 && pthread_rwlockattr_init(&of_rwlock) == 0);
    if (strstr(name, "recursive"))
        CHECK(pthread_mutexattr_settype(&kinds, PTHREAD_MUTEX_RECURSIVE) == 0);
    if (strstr(name, "errorcheck"))
        CHECK(pthread_mutexattr_settype(&kinds, PTHREAD_MUTEX_ERRORCHECK) == 0);
    if (strstr(name, "adaptive"))
        CHECK(pthread_mutexattr_settype(&kinds, PTHREAD_MUTEX_ADAPTIVE_NP) == 0);
    if (strstr(name, "robust"))
        CHECK(pthread_mutexattr_setrobust(&kinds, PTHREAD_MUTEX_ROBUST) == 0);
    if (strstr(name, "inherit"))
        CHECK(pthread_mutexattr_setprotocol(&kinds, PTHREAD_PRIO_INHERIT) == 0);
    if (strstr(name, "shared")) {
        locks = mmap(NULL, sizeof(*locks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        CHECK(locks != MAP_FAILED);
        CHECK(pthread_mutexattr_setpshared(&kinds, PTHREAD_PROCESS_SHARED) == 0);
        CHECK(pthread_rwlockattr_setpshared(&of_rwlock, PTHREAD_PROCESS_SHARED) == 0);
    }
    CHECK(pthread_mutex_init(&locks->mutex, &kinds) == 0 &&
          pthread_rwlock_init(&locks->rwlock, &of_rwlock) == 0);
}

/* ---- libc -------------------------------------------------------------------------- */

static FILE *stream;

static void hold_stream(void (*then)(void))
{
    flockfile(stream);
    then();
    funlockfile(stream);
}

static void want_stream(void)
{
    fputs("text", stream);
}

static void (*then_in_callback)(void);

static int in_callback(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)info, (void)size, (void)arg;
    then_in_callback();
    return 1;
}

static void hold_loader(void (*then)(void))
{
    then_in_callback = then;
    dl_iterate_phdr(in_callback, NULL);
}

static void want_loader(void)
{
    CHECK(dlopen("libm.so.6", RTLD_NOW));
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void initialise(void)
{
    then_in_callback();
}

static void hold_once(void (*then)(void))
{
    then_in_callback = then;
    CHECK(pthread_once(&once, initialise) == 0);
}

static void want_once(void)
{
    CHECK(pthread_once(&once, initialise) == 0);
}

static void on_abort(int number)
{
    (void)number;
    then_in_callback();
    pause();
}

/* malloc finds that its heap is damaged, and calls abort with the lock held. */
static void hold_malloc(void (*then)(void))
{
    then_in_callback = then;
    CHECK(signal(SIGABRT, on_abort) != SIG_ERR);
    char *last = malloc(BIG);
    size_t *volatile top = (size_t *)(last + malloc_usable_size(last));
    int nowhere = open("/dev/null", O_WRONLY);
    CHECK(dup2(nowhere, 2) == 2);
    if (then == NULL)
        return;
    *top = (size_t)-1;
    free(malloc(BIG));
}

static void want_malloc(void)
{
    free(malloc(BIG));
}

static void want_malloc_in_fork(void)
{
    if (!fork())
        _exit(0);
}

static int locked_file;

static void hold_flock(void (*then)(void))
{
    CHECK(flock(locked_file, LOCK_EX) == 0);
    then();
    CHECK(flock(locked_file, LOCK_UN) == 0);
}

static void want_flock(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", locked_file);
    int again = open(path, O_RDWR);
    CHECK(again >= 0 && flock(again, LOCK_EX) == 0);
}

static const struct kind kinds[] = {
    {"recursive", hold_mutex, want_mutex},
    {"errorcheck", hold_mutex, want_mutex},
    {"adaptive", hold_mutex, want_mutex},
    {"robust", hold_mutex, want_mutex},
    {"inherit", hold_mutex, want_mutex},
    {"robust_inherit", hold_mutex, want_mutex},
    {"shared", hold_mutex, want_mutex},
    {"rwlock", hold_for_writing, want_reading},
    {"rwlock_shared", hold_for_writing, want_writing},
    {"rwlock_read", hold_for_reading, want_writing},
    {"stdio", hold_stream, want_stream},
    {"stream", hold_stream, want_stream},
    {"loader", hold_loader, want_loader},
    {"once", hold_once, want_once},
    {"malloc", hold_malloc, want_malloc},
    {"malloc_fork", hold_malloc, want_malloc_in_fork},
    {"flock", hold_flock, want_flock},
};

/* ---- the two threads ------------------------------------------------------------------ */

static void *want(void *arg)
{
    await(&may_want);
    sem_post(&ready);
    kind->want();
    return stay(arg);
}

static void let_want(void)
{
    sem_post(&may_want);
    await_ready(1);
    CHECK(write(1, "up\n", 3) == 3);
}

static void join(void)
{
    let_want();
    pthread_join(other, NULL);
}

static void wait_for_signal(void)
{
    let_want();
    pause();
}

static void join_timed(void)
{
    struct timespec end;
    let_want();
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += AN_HOUR;
    pthread_timedjoin_np(other, NULL, &end);
}

static void do_nothing(void)
{
}

static void hold(const char *how)
{
    if (!strcmp(how, "pause"))
        kind->hold(wait_for_signal);
    else if (!strcmp(how, "timed"))
        kind->hold(join_timed);
    else if (strcmp(how, "released") != 0)
        kind->hold(join);
    else
        kind->hold(kind->hold == hold_malloc ? NULL : do_nothing);
    join();
}

static void end_with_input(void)
{
    CHECK(fcntl(0, F_SETOWN, getpid()) == 0);
    CHECK(fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_ASYNC) == 0);
}

int main(int argc, char **argv)
{
    size_t i = 0;
    CHECK(argc == 3);
    while (i < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i].name, argv[1]) != 0)
        i++;
    CHECK(i < sizeof(kinds) / sizeof(kinds[0]));
    kind = &kinds[i];
    CHECK(mallopt(M_ARENA_MAX, 1) == 1);
    CHECK(sem_init(&may_want, 0, 0) == 0);
    make_locks(argv[1]);
    end_with_input();
    stream = strcmp(argv[1], "stdio") ? fopen("/dev/null", "w") : stdout;
    locked_file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    CHECK(stream && locked_file >= 0);
    other = start(want, NULL);
    if (!strcmp(argv[2], "third")) {
        start(stay, NULL);
        await_ready(1);
    }
    hold(argv[2]);
    return 0;
}
