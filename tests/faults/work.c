/*
 * What fails must not be noticed here: this program uses what the shim intercepts, prints what it sees, and
 * leaks 4 threads at its end, 2 in a forked child. It ends with 5.
 */
#include <dirent.h>
#include <semaphore.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/targets/target.h"

extern char **environ;

static pthread_key_t key;
static _Atomic int destroyed, handled;

static void destroy(void *unused)
{
    (void)unused;
    destroyed++;
}

static void *give(void *value)
{
    pthread_setspecific(key, value);
    return value;
}

static void *exits(void *value)
{
    pthread_exit(value);
}

static void *create_one(void *value)
{
    void *given = NULL;
    CHECK(pthread_join(start(give, value), &given) == 0);
    return given;
}

static long join_value(pthread_t thread)
{
    void *value = NULL;
    CHECK(pthread_join(thread, &value) == 0);
    return (long)value;
}

static void say(const char *what, long value)
{
    dprintf(1, "%s %ld\n", what, value);
}

static int count_descriptors(void)
{
    int count = -3; /* . and .. and its own */
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

static void say_state(void)
{
    sigset_t mask;
    long blocked = 0, handlers = 0;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int number = 1; number <= 64; number++) {
        struct sigaction action;
        blocked += sigismember(&mask, number) == 1;
        handlers += sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL;
    }
    say("blocked", blocked);
    say("handlers", handlers);
    say("descriptors", count_descriptors());
    say("another child", waitpid(-1, NULL, WNOHANG) >= 0);
}

static void count(int number)
{
    (void)number;
    handled++;
}

static void use_threads(void)
{
    long sum = 0;
    pthread_t threads[8];
    for (long i = 0; i < 8; i++)
        threads[i] = start(i % 2 ? give : create_one, (void *)(i + 1));
    pthread_setname_np(threads[0], "named");
    for (int i = 0; i < 8; i++)
        sum += join_value(threads[i]);
    say("sum", sum);
    say("exit", join_value(start(exits, (void *)7)));
    pthread_t cancelled = start(stay, NULL);
    await_ready(1);
    pthread_cancel(cancelled);
    say("cancelled", join_value(cancelled));
    CHECK(pthread_detach(start(give, NULL)) == 0);
    thrd_t c11;
    CHECK(thrd_create(&c11, (thrd_start_t)(void *)give, NULL) == thrd_success &&
          thrd_join(c11, NULL) == thrd_success);
    errno = 77;
    join_value(start(nothing, NULL));
    say("errno", errno);
}

static void use_attributes(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 1 << 18);
    CHECK(pthread_create(&thread, &attr, give, (void *)8) == 0);
    say("with attributes", join_value(thread));
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    CHECK(pthread_create(&thread, &attr, give, NULL) == 0);
}

static void leak(int threads)
{
    for (int i = 0; i < threads; i++)
        start(stay, NULL);
    await_ready(threads);
}

static int status_of(pid_t pid)
{
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void use_children(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        say("in a child", join_value(start(create_one, (void *)9)));
        leak(2);
        say_state();
        exit(3);
    }
    say("child", status_of(pid));
    char *argv[] = {"sh", "-c", "exit 4", NULL};
    posix_spawnattr_t attr;
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    CHECK(posix_spawn(&pid, "/bin/sh", NULL, &attr, argv, environ) == 0);
    say("spawned", status_of(pid));
    pid = vfork();
    if (pid == 0) {
        execv("/bin/sh", argv);
        _exit(9);
    }
    say("vfork", status_of(pid));
    say("shell", system("exit 6") >> 8);
    say("exec of nothing", execv("/does/not/exist", argv) ? errno : 0);
}

int main(void)
{
    signal(SIGUSR1, count);
    pthread_key_create(&key, destroy);
    use_threads();
    use_attributes();
    raise(SIGUSR1);
    use_children();
    raise(SIGUSR1);
    leak(3);
    start_and_see_finish();
    say("destroyed", destroyed >= 8);
    say("handled", handled);
    say_state();
    return 5;
}
