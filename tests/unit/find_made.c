#include "find_made.h"

#include <string.h>

struct thread_stack find_threads[MAX_THREADS];
struct stacks find_stacks;
struct evidence find_evidence;
struct findings found;

static void setup(void)
{
    memset(find_threads, 0, sizeof(find_threads));
    find_stacks = (struct stacks){.threads = find_threads};
    find_evidence = (struct evidence){.pid = 101, .stacks = &find_stacks};
}

static void teardown(void)
{
    findings_release(&found);
}

TCase *find_made_case(const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, setup, teardown);
    return tests;
}

struct wait *find_add(enum wait_on on, const char *what)
{
    struct thread_stack *thread = &find_threads[find_stacks.count];
    thread->tid = 101 + (pid_t)find_stacks.count++;
    thread->source = STACK_SOURCE_PTRACE;
    thread->wait = (struct wait){.on = on,
                                 .what = (char *)what,
                                 .object_length = (int)strlen(what),
                                 .timeout = WAIT_TIMEOUT_NO,
                                 .fd = -1};
    return &thread->wait;
}

struct wait *find_add_lock(pid_t owner)
{
    struct wait *wait = find_add(WAIT_MUTEX, "mutex a");
    wait->owner = owner;
    return wait;
}

struct wait *find_add_join(pid_t joined)
{
    struct wait *wait = find_add(WAIT_JOIN, "join");
    wait->owner = joined;
    return wait;
}

struct thread_stack *find_add_stuck(uint64_t address, const char *what)
{
    static struct shared_stack stack;
    struct thread_stack *thread = &find_threads[find_stacks.count];
    find_add(WAIT_CONDVAR, what)->address = address;
    thread->reach.state = REACH_STUCK;
    thread->stack = &stack;
    return thread;
}

const struct finding *find_all(size_t count)
{
    ck_assert(findings_find(&found, &find_evidence, NULL, FIND_ALL));
    ck_assert_uint_eq(found.count, count);
    return found.items;
}
