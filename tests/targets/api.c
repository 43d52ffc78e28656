/* Checks and what they answer: goleak's scenarios. See api.h. */
#include "api.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

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
static NOINLINE void *held_here(void *arg)
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

static NOINLINE void inner(void)
{
    hold_one();
}

static NOINLINE void outer(void)
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

/* goleak: 20 attempts, 1 us doubling to 100 ms; here at least the whole of it, and no more than a very slow
 * machine needs besides. */
static void bounds(void)
{
    hold_one();
    double before = seconds();
    say("leaked", threadleak_check("grace_ms=300 stacks=0"));
    double taken = seconds() - before;
    say("whole", taken >= 0.3);
    say("bounded", taken < 100);
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

static NOINLINE long sink(int depth, void (*at_end)(void))
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

/* The lines of a check, whole and in little space; -1 and 0 leave an empty text. */
static void list_since(void)
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

static const struct way scenarios[] = {
    WAY(no_thread),  WAY(released),          WAY(exits_soon), WAY(baseline),       WAY(recycled),
    WAY(ignore_top), WAY(ignore_whole_name), WAY(bounds),     WAY(ignore_creator), WAY(enumerate),
    WAY(deep),       WAY(list_since),        WAY(leak),       WAY(leak_and_fail),  WAY(fail),
};

int main(int argc, char **argv)
{
    sigset_t before = {0}, after = {0};
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    int status = run_way(scenarios, sizeof(scenarios) / sizeof(*scenarios), argc, argv);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    /* Some functions of <threadleak.h> block all signals meanwhile. */
    return memcmp(&before, &after, sizeof(before)) == 0 ? status : 3;
}
