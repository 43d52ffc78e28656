/* abort() by a thread, where other threads live, ended, or never were. See aborts.h. */
#include "aborts.h"

#undef NDEBUG
#include <assert.h>

static void *give_up_there(void *arg)
{
    (void)arg;
    give_up();
    return NULL;
}

static void in_main(void)
{
    keep_threads();
    give_up();
}

static void in_thread(void)
{
    keep_threads();
    start(give_up_there, NULL);
    pause();
}

static void finished_thread(void)
{
    start_and_see_finish();
    give_up();
}

static void assertion(void)
{
    keep_threads();
    assert(getpid() == 1 && "a message");
}

static void assertion_errno(void)
{
    keep_threads();
    assert_perror(ENOENT);
}

static void assertion_old(void)
{
    extern void __assert(const char *, const char *, int);
    keep_threads();
    __assert("an old message", "old.c", 7);
}

static void many(void)
{
    for (int i = 0; i < 8; i++)
        start(give_up_there, NULL);
    for (;;)
        pause();
}

static _Atomic pid_t aborting;

static void *give_up_at_once(void *arg)
{
    aborting = (pid_t)syscall(SYS_gettid);
    give_up();
    return arg;
}

static char state_of(pid_t tid)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    FILE *file = tid ? fopen(path, "re") : NULL;
    if (!file)
        return 0;
    if (!fgets(text, sizeof(text), file))
        text[0] = 0;
    fclose(file);
    const char *end = strrchr(text, ')');
    return end ? end[2] : 0;
}

/* The other thread sleeps only while its abort is reported. */
static void exit_meanwhile(void)
{
    keep_threads();
    start(give_up_at_once, NULL);
    while (state_of(aborting) != 'S')
        continue;
    exit(0);
}

static void small_stack(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    keep_threads();
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)) == 0);
    CHECK(pthread_create(&thread, &attributes, give_up_there, NULL) == 0);
    pause();
}

static void give_up_last(void *arg)
{
    (void)arg;
    give_up();
}

static void *cancelled(void *arg)
{
    (void)arg;
    pthread_cleanup_push(give_up_last, NULL);
    sem_post(&ready);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return NULL;
}

static void in_cancellation(void)
{
    keep_threads();
    pthread_t thread = start(cancelled, NULL);
    await_ready(1);
    CHECK(pthread_cancel(thread) == 0);
    pause();
}

static pthread_key_t key;

static void *with_key(void *arg)
{
    CHECK(pthread_setspecific(key, &key) == 0);
    return arg;
}

static void in_destructor(void)
{
    keep_threads();
    CHECK(pthread_key_create(&key, give_up_last) == 0);
    start(with_key, NULL);
    pause();
}

static void fault_in_atexit(void)
{
    keep_threads();
    CHECK(atexit(fault) == 0);
    exit(4);
}

static void in_atexit(void)
{
    keep_threads();
    CHECK(atexit(give_up) == 0);
    exit(4);
}

/* main returns, and the handler was registered after the first creation of a thread. */
static void in_atexit_of_main(void)
{
    keep_threads();
    CHECK(atexit(give_up) == 0);
}

static void no_thread(void)
{
    give_up();
}

static void joined(void)
{
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    give_up();
}

static const struct way ways[] = {
    WAY(in_main),       WAY(in_thread), WAY(finished_thread),   WAY(assertion),       WAY(assertion_errno),
    WAY(assertion_old), WAY(many),      WAY(exit_meanwhile),    WAY(small_stack),     WAY(in_cancellation),
    WAY(in_destructor), WAY(in_atexit), WAY(in_atexit_of_main), WAY(fault_in_atexit), WAY(no_thread),
    WAY(joined),
};

int main(int argc, char **argv)
{
    return run_way(ways, sizeof(ways) / sizeof(*ways), argc, argv);
}
