/* Checks in odd places: forked children, handlers, sandboxes, many threads at once. See api.h. */
#include "api.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static threadleak_checkpoint_t parents;

static void forked(void)
{
    pthread_t thread = hold_one();
    parents = threadleak_checkpoint();
    pid_t pid = fork();
    if (pid == 0) {
        say("foreign", threadleak_check_since(parents, AT_ONCE));
        say("empty", threadleak_check(AT_ONCE));
        threadleak_checkpoint_t own = threadleak_checkpoint();
        hold_one();
        say("own", threadleak_check_since(own, AT_ONCE));
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    sem_post(&gate);
    pthread_join(thread, NULL);
    say("parent", threadleak_check_since(parents, AT_ONCE));
}

static void on_signal(int number)
{
    (void)number;
    say("handler", threadleak_check(AT_ONCE));
}

static void in_handler(void)
{
    static char space[65536];
    const stack_t stack = {.ss_sp = space, .ss_size = sizeof(space)};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
}

static void *check_there(void *arg)
{
    (void)arg;
    return (void *)(long)threadleak_check(AT_ONCE);
}

static void small_stack(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    void *result;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 16384);
    hold_one();
    if (pthread_create(&thread, &attr, check_there, NULL) != 0)
        abort();
    pthread_join(thread, &result);
    say("others", (long)result); /* the caller does not count */
}

static void check_at_exit(void)
{
    say("at exit", threadleak_check(AT_ONCE));
}

static void in_atexit(void)
{
    atexit(check_at_exit);
    hold_one();
}

enum { CHECKERS = 6 };
static pthread_barrier_t barrier;
static threadleak_checkpoint_t shared;

static void *check_with_others(void *arg)
{
    pthread_barrier_wait(&barrier);
    return (void *)(long)threadleak_check_since(shared, arg);
}

static void all_checked(void *options, const char *what)
{
    pthread_t threads[CHECKERS];
    void *result;
    pthread_barrier_init(&barrier, NULL, CHECKERS);
    for (int i = 0; i < CHECKERS; i++)
        threads[i] = start(check_with_others, options);
    for (int i = 0; i < CHECKERS; i++) {
        pthread_join(threads[i], &result);
        say(what, (long)result);
    }
}

/* Five others that check are no leak of anybody's: they have a start routine to ignore. */
static void together(void)
{
    shared = threadleak_checkpoint();
    hold_one();
    hold_one();
    all_checked("grace_ms=0 ignore_start=check_with_others ignore_top=nobody", "leaked");
    all_checked("grace_ms=0 ignore_start=check_with_others ignore_any=hold", "ignored");
}

static void *check_and_check(void *arg)
{
    volatile int *on = arg;
    long wrong = 0;
    while (*on)
        wrong += threadleak_check("grace_ms=0 log_path=/dev/null ignore_start=check_and_check") != 1;
    return (void *)wrong;
}

/* Dumps, by signal and by call, and checks at once. */
static void with_dumps(void)
{
    volatile int on = 1;
    void *result;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    hold_one();
    pthread_t thread = start(check_and_check, (void *)&on);
    for (int i = 0; i < 10; i++) {
        kill(getpid(), SIGQUIT);
        threadleak_dump(fd);
    }
    on = 0;
    pthread_join(thread, &result);
    say("wrong", (long)result);
}

static void *check_and_cancel(void *arg)
{
    sem_post(&started);
    threadleak_check("grace_ms=100 log_path=/dev/null");
    sem_wait(arg); /* the first cancellation point */
    return NULL;
}

static void cancelled(void)
{
    static sem_t never;
    void *result;
    hold_one();
    pthread_t thread = start(check_and_cancel, &never);
    sem_wait(&started);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    say("cancelled", result == PTHREAD_CANCELED);
    say("after", threadleak_check(AT_ONCE));
}

/* From here on it might have a filter, in which the reporter could not run. */
static void in_sandbox(void)
{
    hold_one();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    threadleak_test("in a sandbox");
    say("raw", threadleak_check("grace_ms=1"));
    say("rule", threadleak_check("grace_ms=1 ignore_start=nobody"));
    say("dump", threadleak_dump(2));
    say("ignored", threadleak_ignore_thread(hold_one(), "the other"));
    say("raw", threadleak_check("grace_ms=1"));
}

static const struct way scenarios[] = {
    WAY(forked),    WAY(in_handler), WAY(in_sandbox), WAY(small_stack),
    WAY(in_atexit), WAY(together),   WAY(with_dumps), WAY(cancelled),
};

int main(int argc, char **argv)
{
    return run_way(scenarios, sizeof(scenarios) / sizeof(*scenarios), argc, argv);
}
