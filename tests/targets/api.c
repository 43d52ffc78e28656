/*
 * What a program asks through <threadleak.h>, one scenario a run: api NAME.  Prints what
 * it was answered; tests/e2e/api.py knows what that must be.
 */
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <threadleak.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE "grace_ms=0 stacks=0"

static sem_t started, gate;

__attribute__((noinline)) static void *hold(void *arg)
{
    sem_post(&started);
    while (sem_wait(&gate) != 0)
        ;
    return arg;
}

static pthread_t start(void *(*routine)(void *), void *arg)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, routine, arg) != 0)
        abort();
    return thread;
}

/* Its thread is known to be inside `hold`. */
__attribute__((noinline)) static pthread_t hold_one(void)
{
    pthread_t thread = start(hold, NULL);
    sem_wait(&started);
    return thread;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void say(const char *what, long result)
{
    printf("%s %ld\n", what, result);
    fflush(stdout);
}

/* ---- goleak's scenarios ---------------------------------------------------------------- */

static void no_thread(void)
{
    say("active", threadleak_active());
    say("since", threadleak_check_since(threadleak_checkpoint(), NULL));
    say("all", threadleak_check(NULL));
}

static void released(void)
{
    pthread_t thread = hold_one();
    say("blocked", threadleak_check(AT_ONCE));
    sem_post(&gate);
    pthread_join(thread, NULL);
    say("released", threadleak_check(AT_ONCE));
}

static void *linger(void *arg)
{
    sem_post(&started);
    poll(NULL, 0, 1);
    return arg;
}

/* The grace is one that no machine is slow enough for: it must be over when the thread is. */
static void exits_soon(void)
{
    pthread_t thread = start(linger, NULL);
    pthread_detach(thread);
    sem_wait(&started);
    double before = seconds();
    say("leaked", threadleak_check("grace_ms=600000"));
    say("early", seconds() - before < 300);
}

static void baseline(void)
{
    hold_one();
    hold_one();
    threadleak_checkpoint_t before = threadleak_checkpoint();
    say("old", threadleak_check_since(before, AT_ONCE));
    hold_one();
    say("new", threadleak_check_since(before, AT_ONCE));
    say("newer", threadleak_check_since(threadleak_checkpoint(), AT_ONCE));
    say("all", threadleak_check(AT_ONCE));
}

static void *nothing(void *arg)
{
    return arg;
}

/* One ended thread after the other with the handle of one before the checkpoint. */
static void recycled(void)
{
    pthread_t old = start(nothing, NULL);
    pthread_join(old, NULL);
    threadleak_checkpoint_t before = threadleak_checkpoint();
    int same = 0;
    for (int i = 0; i < 5; i++) {
        threadleak_checkpoint_t here = threadleak_checkpoint();
        pthread_t thread = hold_one();
        same += pthread_equal(thread, old) != 0;
        say("shown", threadleak_check_since(here, AT_ONCE));
        sem_post(&gate);
        pthread_join(thread, NULL);
    }
    say("same", same);
    say("left", threadleak_check_since(before, AT_ONCE));
}

/* A creator with the name that is to be ignored at the top: it is not there. */
__attribute__((noinline)) static void *held_here(void *arg)
{
    if (arg) {
        hold_one();
        return NULL;
    }
    sem_post(&started);
    for (;;)
        pause();
}

static void ignore_top(void)
{
    held_here(&gate);
    say("creator", threadleak_check("grace_ms=0 ignore_top=held_here"));
    start(held_here, NULL);
    sem_wait(&started);
    while (threadleak_check("grace_ms=0 log_path=/dev/null ignore_top=pause ignore_top=held_here "
                            "ignore_creator=held_here") != 0)
        ; /* until it is in there */
    say("both", threadleak_check("grace_ms=0 log_path=/dev/null"));
    say("top", threadleak_check("grace_ms=0 ignore_top=held_here"));
    say("any", threadleak_check("grace_ms=0 ignore_any=held_here ignore_any=hold"));
    say("part", threadleak_check("grace_ms=0 log_path=/dev/null ignore_top=held"));
    say("star", threadleak_check("grace_ms=0 log_path=/dev/null ignore_top='held*'"));
}

__attribute__((noinline)) static void inner(void)
{
    hold_one();
}

__attribute__((noinline)) static void outer(void)
{
    inner();
}

static void ignore_creator(void)
{
    outer();
    pthread_t thread = hold_one();
    pthread_setname_np(thread, "name of it");
    say("outer", threadleak_check("grace_ms=0 ignore_creator=outer"));
    say("inner", threadleak_check("grace_ms=0 ignore_creator=inner"));
    say("two", threadleak_check("grace_ms=0 ignore_creator=inner ignore_name='name of it'"));
    say("start", threadleak_check("grace_ms=0 ignore_start=hold"));
    say("rule", threadleak_check("grace_ms=0 ignore='thread:^outer$ kind:running'"));
    say("other", threadleak_check("grace_ms=0 ignore_creator=oute"));
}

/* Names in which a rule's comment or condition would begin. */
static void ignore_whole_name(void)
{
    pthread_t thread = hold_one();
    pthread_setname_np(thread, "io #1");
    say("hash", threadleak_check("grace_ms=0 ignore_name='io #1'"));
    say("another", threadleak_check("grace_ms=0 log_path=/dev/null ignore_name='io #2'"));
    say("start", threadleak_check("grace_ms=0 log_path=/dev/null ignore_name='io #'"));
    pthread_setname_np(thread, "io kind:b");
    say("colon", threadleak_check("grace_ms=0 ignore_name='io kind:b'"));
    pthread_setname_np(thread, "io\nb");
    say("line", threadleak_check("grace_ms=0 ignore_name='io\nb'"));
}

/* goleak: 20 attempts, 1 us doubling to 100 ms; here at least the whole of it, and no more
 * than the machine took for two reports besides. */
static void bounds(void)
{
    hold_one();
    double before = seconds();
    threadleak_check(AT_ONCE);
    double report = seconds() - before;
    before = seconds();
    say("leaked", threadleak_check("grace_ms=300 stacks=0"));
    double taken = seconds() - before;
    say("whole", taken >= 0.3);
    say("bounded", taken < 0.3 + 10 * report + 1);
    before = seconds();
    say("ignored", threadleak_check("grace_ms=600000 ignore_start=hold"));
    say("early", seconds() - before < 300);
}

enum { MANY = 17 };

static void enumerate(void)
{
    for (int i = 0; i < MANY; i++)
        hold_one();
    pthread_t thread = start(hold, NULL);
    sem_wait(&started);
    pthread_detach(thread);
    say("alive", threadleak_count(THREADLEAK_ALIVE));
    say("running", threadleak_count(THREADLEAK_RUNNING));
    say("detached", threadleak_count(THREADLEAK_DETACHED));
    say("unjoined", threadleak_count(THREADLEAK_UNJOINED));
    say("bad", threadleak_count(64));
    say("dump", threadleak_dump(3));
}

#define DEPTH 101

__attribute__((noinline)) static long sink(int depth, void (*at_end)(void))
{
    volatile long space[8] = {depth};
    if (depth > 1)
        return sink(depth - 1, at_end) + space[0];
    at_end();
    return space[0];
}

static void wait_in_depth(void)
{
    hold(NULL);
}

static void *go_deep(void *arg)
{
    sink(DEPTH, wait_in_depth);
    return arg;
}

static void create_deep(void)
{
    start(go_deep, NULL);
    sem_wait(&started);
}

static void deep(void)
{
    for (int i = 0; i < DEPTH; i++)
        sink(DEPTH, create_deep);
    say("leaked", threadleak_check("grace_ms=0"));
}

/* ---- misuse ----------------------------------------------------------------------------- */

static void misuse(void)
{
    static const char *const wrong[] = {
        "nonsense",
        "grace=1",
        "grace_ms=soon",
        "report=everything",
        "grace_ms",
        "ignore_top=",
        "ignore_top='*'",
        "ignore_creator=^$",
        "ignore=anything",
        "ignore='thread:*'",
        "ignore='thread:'",
        "ignore='start:a b:c'",
        "exitcode=1",
        "signal=USR1",
        "ignore_top='open",
        "ignore_topp=x",
        "ignore_top=^x",
        "ignore_start='a$b'",
        "ignore_top=x:stacks=0",
        "suppressions=/nonexistent",
        "judge=all",
        "grace_ms=-1",
        "ignore='waiting:x'",
        "ignore=thread:pool",
        "grace_ms=3600001",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        say(wrong[i], threadleak_check(wrong[i]));
    say("0", threadleak_check_since(0, NULL));
    say("future", threadleak_check_since(threadleak_checkpoint() + 1, NULL));
    say("foreign", threadleak_check_since(threadleak_checkpoint() ^ 1ull << 50, NULL));
    say("kind", threadleak_count(0));
    say("fd", threadleak_dump(999));
    say("set", threadleak_set_options("grace_ms=1:nonsense=1"));
    say("follow", threadleak_set_options("follow=0"));
    say("file", threadleak_set_options("grace_ms=1 suppressions=/nonexistent"));
    say("self", threadleak_ignore_thread(pthread_self(), "not seen"));
    say("nobody", threadleak_ignore_thread(0, "std::thread().native_handle()"));
    errno = 4711;
    threadleak_check("nonsense");
    say("errno", errno);
}

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

/* ---- places ------------------------------------------------------------------------------- */

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

/* ---- what the program says -------------------------------------------------------------- */

static void ignore_one(void)
{
    threadleak_ignore_thread(hold_one(), "the watchdog");
    threadleak_ignore_thread(hold_one(), NULL);
    hold_one();
    say("leaked", threadleak_check(AT_ONCE));
    say("count", threadleak_count(THREADLEAK_ALL));
    threadleak_test("suite/its name");
}

static void set_options(void)
{
    hold_one();
    say("ok", threadleak_set_options("report=detached:grace_ms=0"));
    say("none", threadleak_check(NULL));
    say("ok", threadleak_set_options("report=running"));
    say("one", threadleak_check(NULL));
    say("ok", threadleak_set_options("exitcode=42"));
}

/* The ledger is smaller then, and has space for what a program may bring. */
static void locked(void)
{
    hold_one();
    mlockall(MCL_CURRENT); /* not everybody may: it has been asked for */
    munlockall();
    say("ok", threadleak_set_options("report=detached:grace_ms=0"));
    say("none", threadleak_check(NULL));
    say("ok", threadleak_set_options("report=running"));
    say("one", threadleak_check(NULL));
    say("ok", threadleak_add_suppressions("thread:^hold_one$"));
    say("none", threadleak_check(NULL));
}

static void add_rules(void)
{
    hold_one();
    outer();
    say("ok", threadleak_add_suppressions("start:nobody\nthread:^outer$"));
    say("one", threadleak_check(AT_ONCE));
    if (fork() == 0) {
        outer();
        say("child", threadleak_check(AT_ONCE));
        exit(0);
    }
    wait(NULL);
}

/* The one is a part of the other's text, and is not the same. */
static void rules_alike(void)
{
    hold_one();
    say("ok", threadleak_add_suppressions("start:hold_others"));
    say("one", threadleak_check(AT_ONCE));
    say("ok", threadleak_add_suppressions("start:hold"));
    say("none", threadleak_check(AT_ONCE));
    say("same", threadleak_add_suppressions("start:hold"));
}

static void bad_rules(void)
{
    hold_one();
    say("nonsense", threadleak_add_suppressions("# known\nnonsense"));
    say("all", threadleak_add_suppressions("start:hold_others\nthread:^*$"));
    say("judged", threadleak_check(AT_ONCE));
    say("unseen", threadleak_add_suppressions("thread:a^b"));
    say("judged", threadleak_check(AT_ONCE));
}

static void names(void)
{
    char name[700];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "test %d", i);
        threadleak_test(name);
    }
    memset(name, 'x', sizeof(name));
    memcpy(name + 509, "\xe2\x82\xac\xe2\x82\xac", 6);
    name[sizeof(name) - 1] = 0;
    threadleak_test(name);
    hold_one();
    threadleak_dump(3);
    threadleak_test(NULL);
    threadleak_dump(3);
}

static void leak(void)
{
    hold_one();
}

static void leak_and_fail(void)
{
    hold_one();
    exit(3);
}

static void fail(void)
{
    exit(3);
}

/* The lines of a check, whole and in little space; -1 and 0 leave an empty text. */
static void list(void)
{
    char text[2000], small[100], tiny[1] = {'x'};
    threadleak_checkpoint_t before = threadleak_checkpoint();
    say("none", threadleak_list_since(before, AT_ONCE, text, sizeof(text)));
    say("empty", *text == 0);
    hold_one();
    start(hold, NULL);
    sem_wait(&started);
    say("leaked", threadleak_list_since(before, AT_ONCE, text, sizeof(text)));
    fputs(text, stdout);
    say("leaked", threadleak_list_since(before, AT_ONCE, small, sizeof(small)));
    say("whole lines", *small == 0 || small[strlen(small) - 1] == '\n');
    say("leaked", threadleak_list_since(before, AT_ONCE, tiny, sizeof(tiny)));
    say("nothing", *tiny == 0);
    say("wrong", threadleak_list_since(before, "no_such_key=1", text, sizeof(text)));
    say("empty", *text == 0);
    say("ignored", threadleak_list_since(before, AT_ONCE " ignore_creator=hold_one", text, sizeof(text)));
    _Exit(0);
}

static const struct scenario {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    {"no_thread", no_thread},
    {"released", released},
    {"exits_soon", exits_soon},
    {"baseline", baseline},
    {"recycled", recycled},
    {"ignore_top", ignore_top},
    {"ignore_whole_name", ignore_whole_name},
    {"bounds", bounds},
    {"ignore_creator", ignore_creator},
    {"enumerate", enumerate},
    {"deep", deep},
    {"misuse", misuse},
    {"forked", forked},
    {"in_handler", in_handler},
    {"in_sandbox", in_sandbox},
    {"small_stack", small_stack},
    {"in_atexit", in_atexit},
    {"together", together},
    {"with_dumps", with_dumps},
    {"cancelled", cancelled},
    {"ignore_one", ignore_one},
    {"set_options", set_options},
    {"locked", locked},
    {"add_rules", add_rules},
    {"bad_rules", bad_rules},
    {"rules_alike", rules_alike},
    {"names", names},
    {"list", list},
    {"leak", leak},
    {"leak_and_fail", leak_and_fail},
    {"fail", fail},
};

int main(int argc, char **argv)
{
    sem_init(&started, 0, 0);
    sem_init(&gate, 0, 0);
    for (size_t i = 0; argc > 1 && i < sizeof(scenarios) / sizeof(*scenarios); i++)
        if (strcmp(argv[1], scenarios[i].name) == 0) {
            scenarios[i].run();
            return 0;
        }
    return 2;
}
