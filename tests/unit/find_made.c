#include "find_made.h"

#include <string.h>

struct thread_stack threads[MAX_THREADS];
struct stacks stacks;
struct evidence evidence;
struct findings findings;

static void setup(void)
{
    memset(threads, 0, sizeof(threads));
    stacks = (struct stacks){.threads = threads};
    evidence = (struct evidence){.pid = 101, .stacks = &stacks};
}

static void teardown(void)
{
    findings_release(&findings);
}

TCase *find_made_case(const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, setup, teardown);
    return tests;
}

struct wait *add(enum wait_on on, const char *what)
{
    struct thread_stack *thread = &threads[stacks.count];
    thread->tid = 101 + (pid_t)stacks.count++;
    thread->source = STACK_SOURCE_PTRACE;
    thread->wait = (struct wait){.on = on,
                                 .what = (char *)what,
                                 .object_length = (int)strlen(what),
                                 .timeout = WAIT_TIMEOUT_NO,
                                 .fd = -1};
    return &thread->wait;
}

struct wait *add_lock(pid_t owner)
{
    struct wait *wait = add(WAIT_MUTEX, "mutex a");
    wait->owner = owner;
    return wait;
}

struct wait *add_join(pid_t joined)
{
    struct wait *wait = add(WAIT_JOIN, "join");
    wait->owner = joined;
    return wait;
}

struct thread_stack *add_stuck(uint64_t address, const char *what)
{
    static struct shared_stack stack;
    struct thread_stack *thread = &threads[stacks.count];
    add(WAIT_CONDVAR, what)->address = address;
    thread->reach.state = REACH_STUCK;
    thread->stack = &stack;
    return thread;
}

const struct finding *find(size_t count)
{
    ck_assert(findings_find(&findings, &evidence, NULL, FIND_ALL));
    ck_assert_uint_eq(findings.count, count);
    return findings.items;
}
