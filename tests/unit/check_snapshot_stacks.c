/* Stacks whose end is near, and stacks that are many and deep. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "snapshot_taken.h"
#include "suite.h"
#include "unwind/unwind.h"

static struct error error;

#if defined(__x86_64__)
static long distance; /* of sp from the stack's lowest byte, above a guard page */

static void run_at_the_edge(void)
{
    char *pages = mmap(NULL, 12288, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + 4096, 8192, PROT_READ | PROT_WRITE);
    shared->result[0] = 0;
    child_ready();
    __asm__ volatile("mov %0, %%rsp\n1: mov $34, %%eax\nsyscall\njmp 1b"
                     :
                     : "r"(pages + 4096 + distance)
                     : "rax");
}

/* Memory below sp is copied if it is mapped; sp may be in the guard page itself. */
START_TEST(sp_at_a_guard_page)
{
    static const long distances[] = {0, 64, 128, 200, -8};
    distance = distances[_i];
    pid_t pid = child_start(run_at_the_edge);
    wait_ready(1);
    ck_assert(wait_for_states(pid, "S"));
    struct snapshot *snapshot = take_snapshot(pid);
    const struct snapshot_thread *thread = &snapshot->threads[0];
    ck_assert_int_eq(thread->syscall_nr, CALL_OF_PAUSE);
    if (distance < 0) {
        ck_assert_uint_eq(thread->stack.size, 0);
    } else {
        uint64_t below = distance < 128 ? (uint64_t)distance : 128;
        ck_assert_uint_eq(thread->stack.start, thread->sp - below);
        ck_assert_uint_eq(thread->stack.size, 8192 - (uint64_t)distance + below);
    }
    struct unwinder *unwinder = unwinder_new(snapshot, &error);
    ck_assert_ptr_nonnull(unwind_thread(unwinder, 0));
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST
#endif

enum { DEEP_THREADS = 2000, DEEP_BYTES = 100 * 1024 };

static _Noreturn void *stay_deep(void *arg)
{
    char space[DEEP_BYTES];
    (void)arg;
    __asm__ volatile("" : : "r"(space) : "memory");
    wait_forever();
}

static void run_deep(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 2 * DEEP_BYTES);
    for (int i = 0; i < DEEP_THREADS; i++)
        if (pthread_create(&thread, &attr, stay_deep, NULL) != 0)
            _exit(1);
    wait_forever();
}

/* All want more than their share of the first copy, and more than that of an equal second. */
START_TEST(many_deep_stacks)
{
    pid_t pid = child_start(run_deep);
    wait_ready(DEEP_THREADS + 1);
    struct snapshot *snapshot = take_snapshot(pid);
    struct unwinder *unwinder = unwinder_new(snapshot, &error);
    ck_assert_ptr_nonnull(unwinder);
    size_t complete = 0;
    for (size_t i = 0; i < snapshot->count; i++)
        complete += !unwind_thread(unwinder, i)->incomplete;
    printf("%d deep threads stopped for %.1f ms in all\n", DEEP_THREADS, (double)snapshot->stopped_ns / 1e6);
    ck_assert_uint_eq(complete, DEEP_THREADS + 1);
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    child_end(pid);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("stacks");
#if defined(__x86_64__)
    tcase_add_loop_test(tests, sp_at_a_guard_page, 0, 5);
#endif
    tcase_add_test(tests, many_deep_stacks);
    return suite_run("snapshot_stacks", tests);
}
