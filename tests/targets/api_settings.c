/* What a program sets: options, rules, names, threads to ignore; and what is refused. See api.h. */
#include "api.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>

static NOINLINE void outer(void)
{
    hold_one();
}

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

static const struct way scenarios[] = {
    WAY(misuse),    WAY(ignore_one), WAY(set_options), WAY(locked),
    WAY(add_rules), WAY(bad_rules),  WAY(rules_alike), WAY(names),
};

int main(int argc, char **argv)
{
    return run_way(scenarios, sizeof(scenarios) / sizeof(*scenarios), argc, argv);
}
