#include "wait_child.h"

#include <check.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/process.h"
#include "proc/idle.h"
#include "proc/tasks.h"
#include "snapshot_child.h"
#include "suite.h"

pid_t child;
const char *glibc;
const struct wait *seen;

static struct snapshot *snapshot;
static struct unwinder *unwinder;
static struct symbolizer *symbolizer;
static struct waits *waits;
static struct task_list tasks, before;
static size_t seen_index;

void named(const char *name)
{
    prctl(PR_SET_NAME, name);
}

void raw_futex_wait(void *word, uint32_t value)
{
    for (;;)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void prctl_end_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static const char *name_of(pid_t tid)
{
    const struct task *task = task_list_find(&tasks, tid);
    return task ? task->name : NULL;
}

static bool give_name(void *arg, pid_t tid, char *to, size_t size)
{
    const char *name = name_of(tid);
    (void)arg;
    if (name)
        snprintf(to, size, "T \"%s\"", name);
    return name != NULL;
}

static void drop_sample(void)
{
    waits_free(waits);
    unwinder_free(unwinder);
    snapshot_free(snapshot);
    task_list_release(&tasks);
    task_list_release(&before);
    waits = NULL;
    unwinder = NULL;
    snapshot = NULL;
    seen = NULL;
}

static bool read_files(const struct snapshot *stopped, void *files)
{
    *(struct files **)files = wait_files_read(stopped);
    return false;
}

static void sample_all(void)
{
    struct files *files = NULL;
    const struct snapshot_options options = {.while_stopped = read_files, .arg = &files};
    struct error error = {""};
    drop_sample();
    if (!symbolizer)
        symbolizer = symbolizer_new(false);
    ck_assert(process_tasks(child, &before));
    task_list_set_idle(&before, child);
    ck_assert_msg(snapshot_take(child, &options, &snapshot, &error) == SNAPSHOT_OK, "%s", error.text);
    ck_assert(process_tasks(child, &tasks)); /* the latest names */
    unwinder = unwinder_new(snapshot, &error);
    ck_assert_msg(unwinder, "%s", error.text);
    const struct wait_context context = {.snapshot = snapshot,
                                         .unwinder = unwinder,
                                         .symbolizer = symbolizer,
                                         .name = give_name,
                                         .files = files,
                                         .tasks = &before,
                                         .glibc = glibc};
    waits = waits_new(&context, &error);
    ck_assert_msg(waits, "%s", error.text);
}

/* Another user's process, or one that is not read in time, leaves a doubt about who holds what. */
static void drop_doubt(char *text)
{
    char *doubt = text ? strstr(text, "probably only") : NULL;
    if (doubt)
        memmove(doubt, doubt + strlen("probably "), strlen(doubt + strlen("probably ")) + 1);
}

static void find(const char *name)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        const char *found = name_of(snapshot->threads[i].tid);
        if (!found || strcmp(found, name) != 0)
            continue;
        seen = wait_of(waits, i);
        seen_index = i;
        drop_doubt(seen ? seen->what : NULL);
        drop_doubt(seen ? seen->text : NULL);
        return;
    }
}

void sample_until(const char *name, enum wait_on on, const char *text)
{
    double end = now_s() + PATIENCE_S;
    for (;; usleep(1000)) {
        sample_all();
        find(name);
        if (seen && seen->on == on && (!text || (seen->text && strcmp(seen->text, text) == 0)))
            return;
        ck_assert_msg(now_s() < end, "%s: %s", name, !seen ? "is not there" : seen->text ? seen->text : "?");
    }
}

void sample(const char *name, enum wait_on on)
{
    sample_until(name, on, NULL);
}

void expect(const char *symbol, const char *owner, enum wait_timeout timeout, const char *text)
{
    if (text) {
        ck_assert_str_eq(seen->text, text);
        /* Only the mutex of a condition variable follows. */
        ck_assert_int_eq(strncmp(text, seen->what, strlen(seen->what)), 0);
        ck_assert(seen->mutex || strcmp(text, seen->what) == 0);
        ck_assert(seen->left_s < 0);
    }
    ck_assert_pstr_eq(seen->symbol, symbol);
    ck_assert_int_eq(seen->place == PLACE_HEAP, symbol && strcmp(symbol, "heap") == 0);
    ck_assert_int_eq(seen->place == PLACE_STACK, symbol && strncmp(symbol, "stack of ", 9) == 0);
    ck_assert_pstr_eq(seen->owner ? name_of(seen->owner) : NULL, owner);
    ck_assert_int_eq(seen->timeout, timeout);
}

void expect_left(double least, double most, const char *what)
{
    char text[512];
    ck_assert_str_eq(seen->what, what);
    ck_assert_int_eq(seen->timeout, WAIT_TIMEOUT_YES);
    ck_assert_msg(seen->left_s >= least && seen->left_s <= most, "%g s left", seen->left_s);
    snprintf(text, sizeof(text), seen->left_s < 10 ? "%s, %.1f s left" : "%s, %.0f s left", what,
             seen->left_s);
    ck_assert_int_eq(strncmp(seen->text, text, strlen(text)), 0);
    ck_assert(seen->mutex || strcmp(seen->text, text) == 0);
}

uint64_t seen_futex(void)
{
    return snapshot->threads[seen_index].syscall_args[0];
}

void wait_child_end(void)
{
    drop_sample();
    symbolizer_free(symbolizer);
    symbolizer = NULL;
    glibc = NULL;
    if (child)
        child_end(child);
    child = 0;
}

void child_report(int number)
{
    shared->result[atomic_fetch_add(&shared->extra, 1)] = number;
}

int child_reported(int index)
{
    return atomic_load(&shared->result[index]);
}

const char *text_of(const char *format, ...)
{
    static char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return text;
}

void pause_for_ever(void)
{
    for (;;)
        pause();
}

void waiter_ready(void)
{
    named("waiter");
    child_ready();
}

void child_begin(void (*run)(void))
{
    child = child_start(run);
    wait_ready(1);
}

void read_byte(int fd)
{
    char c;
    waiter_ready();
    if (read(fd, &c, 1) < 0)
        _exit(1);
}

static int run_without_debug_files(const char *name, TCase *(*make_tests)(void))
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (access("/usr/lib/debug", F_OK) != 0)
            _exit(EXIT_SUCCESS);
        if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "", MS_REC | MS_PRIVATE, "") != 0 ||
            mount("none", "/usr/lib/debug", "tmpfs", 0, "") != 0) {
            skip("without debug files: no mount namespace");
            _exit(EXIT_SUCCESS);
        }
        exit(suite_run(name, make_tests()));
    }
    waitpid(pid, &status, 0);
    return status;
}

int wait_suite_run(const char *name, TCase *(*make_tests)(void))
{
    int with = suite_run(name, make_tests()), without = run_without_debug_files(name, make_tests);
    return with || without ? EXIT_FAILURE : EXIT_SUCCESS;
}
