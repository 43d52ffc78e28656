/* System calls that a stop interrupts go on as if nothing had happened. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "blocked_calls.h"
#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "suite.h"

enum { SNAPSHOTS = 30 };

static void *call(void *arg)
{
    size_t index = (size_t)arg;
    child_ready();
    errno = 0;
    long result = blocked_calls[index].call();
    atomic_store(&shared->result[index], result < 0 && errno ? errno : -1);
    atomic_fetch_add(&shared->returned, 1);
    return NULL;
}

static void run_calls(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (size_t i = 0; i < CALLS; i++)
        pthread_detach(start_thread(call, (void *)i));
    for (;;)
        pause();
}

static void list_returned(char *text, size_t size)
{
    *text = 0;
    for (size_t i = 0; i < CALLS; i++) {
        size_t length = strlen(text);
        int result = atomic_load(&shared->result[i]);
        if (result)
            snprintf(text + length, size - length, " %s: %s", blocked_calls[i].name,
                     result < 0 ? "done" : strerror(result));
    }
}

static void clean_up(pid_t pid)
{
    child_end(pid);
    if (atomic_load(&shared->extra))
        semctl(atomic_load(&shared->extra) - 1, 0, IPC_RMID);
    if (atomic_load(&shared->result[63]))
        msgctl(atomic_load(&shared->result[63]) - 1, IPC_RMID, NULL);
    if (atomic_load(&shared->result[62]))
        kill(atomic_load(&shared->result[62]), SIGKILL);
}

START_TEST(blocked_calls_stay_blocked)
{
    char text[2000];
    pid_t pid = child_start(run_calls);
    wait_ready(CALLS);
    ck_assert(wait_for_states(pid, "S"));
    list_returned(text, sizeof(text));
    ck_assert_str_eq(text, "");
    for (int i = 0; i < SNAPSHOTS; i++) {
        struct snapshot *snapshot;
        struct error error;
        ck_assert_int_eq(snapshot_take(pid, NULL, &snapshot, &error), SNAPSHOT_OK);
        ck_assert_uint_eq(snapshot->count, CALLS + 1);
        for (size_t j = 0; j < snapshot->count; j++) {
            list_returned(text, sizeof(text));
            ck_assert_msg(snapshot->threads[j].syscall_nr >= 0, "stop %d:%s", i, text);
        }
        snapshot_free(snapshot);
        ck_assert(wait_for_states(pid, "S"));
    }
    list_returned(text, sizeof(text));
    clean_up(pid);
    ck_assert_str_eq(text, "");
}
END_TEST

static void *sleep_for(void *time)
{
    child_ready();
    double before = now_s();
    nanosleep(time, NULL);
    atomic_store(&shared->result[0], (int)(1000 * (now_s() - before)));
    return NULL;
}

static void run_sleeper(void)
{
    static struct timespec a_while = {.tv_nsec = 300000000};
    start_thread(sleep_for, &a_while);
    pause();
}

static void run_long_sleeper(void)
{
    static struct timespec hour = {.tv_sec = 3600};
    start_thread(sleep_for, &hour);
    pause();
}

/* One that began again at each stop would not come to an end at all. */
START_TEST(a_sleep_is_no_longer)
{
    pid_t pid = child_start(run_sleeper);
    wait_ready(1);
    while (!atomic_load(&shared->result[0])) {
        struct snapshot *snapshot;
        struct error error;
        ck_assert_int_eq(snapshot_take(pid, NULL, &snapshot, &error), SNAPSHOT_OK);
        snapshot_free(snapshot);
        usleep(1000);
    }
    ck_assert_int_ge(atomic_load(&shared->result[0]), 300);
    child_end(pid);
}
END_TEST

START_TEST(a_restarted_call_is_known)
{
    pid_t pid = child_start(run_long_sleeper);
    wait_ready(1);
    ck_assert(wait_for_states(pid, "S"));
    for (int i = 0; i < 3; i++) {
        struct snapshot *snapshot;
        struct error error;
        ck_assert_int_eq(snapshot_take(pid, NULL, &snapshot, &error), SNAPSHOT_OK);
        for (size_t j = 0; j < snapshot->count; j++)
            if (snapshot->threads[j].tid != pid)
                ck_assert_int_eq(snapshot->threads[j].syscall_nr, SYS_clock_nanosleep);
        snapshot_free(snapshot);
        ck_assert(wait_for_states(pid, "S"));
    }
    child_end(pid);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("calls");
#if defined(__x86_64__)
    tcase_add_test(tests, blocked_calls_stay_blocked);
    tcase_add_test(tests, a_restarted_call_is_known);
#else
    puts("skip blocked_calls_stay_blocked: some fail with EINTR on this machine");
#endif
    tcase_add_test(tests, a_sleep_is_no_longer);
    return suite_run("snapshot_calls", tests);
}
