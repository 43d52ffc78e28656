/* Checks what threadleak needs from the machine and from the environment. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/shim.h"
#include "base/file.h"
#include "common/options.h"
#include "proc/file.h"
#include "cli/common/run_dir.h"
#include "cli/selftest/selftest.h"

#define TABLE_SIZE (16l << 20) /* about the size of a ledger; uses memory only where it is written */

/* Tests whether a ledger can be mapped from this file. Returns 0 or an errno. */
static int try_table(int fd)
{
    if (fd < 0 || ftruncate(fd, TABLE_SIZE) != 0)
        return errno;
    char *at = mmap(NULL, TABLE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (at == MAP_FAILED)
        return errno;
    /* Writing to the memory raises SIGBUS if the file system is full, so this checks it first. */
    int error = posix_fallocate(fd, 0, 65536);
    munmap(at, TABLE_SIZE);
    return error == EOPNOTSUPP ? 0 : error;
}

static void check_library(struct selftest *test)
{
    struct error error = {""};
    test->shim = shim_find(&error);
    if (test->shim)
        selftest_ok(test, "library", "%s", test->shim);
    else
        selftest_fail(test, "library", "%s", error.text);
}

/* The shim loads it at the first creation: from its own directory, or from where the loader searches. */
static void check_unwinder(struct selftest *test)
{
#if __has_include(<libunwind.h>)
    const char *slash = test->shim ? strrchr(test->shim, '/') : NULL;
    if (!slash)
        return;
    char beside[4096];
    snprintf(beside, sizeof(beside), "%.*s/libunwind.so.8", (int)(slash - test->shim), test->shim);
    if (access(beside, R_OK) == 0)
        return;
    void *library = dlopen("libunwind.so.8", RTLD_LAZY);
    if (library)
        dlclose(library);
    else
        selftest_fail(
            test, "libunwind",
            "%s; install libunwind (Debian: libunwind8), or reports lack the callers of who created a thread",
            dlerror());
#else
    (void)test;
#endif
}

static void check_directory(struct selftest *test)
{
    char directory[RUN_DIR_MAX], path[RUN_DIR_MAX + 16];
    struct error error = {""};
    if (!run_dir_make(directory, &error)) {
        selftest_fail(test, "directory of a run", "%s", error.text);
        return;
    }
    snprintf(path, sizeof(path), "%s/table", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int why = try_table(fd);
    if (fd >= 0)
        close(fd);
    run_dir_remove(directory);
    if (why) {
        selftest_fail(test, "directory of a run",
                      "%s: cannot map a file there: %s; set TMPDIR to another directory", directory,
                      strerror(why));
        return;
    }
    test->run_works = true;
    /* The root namespace has two levels. */
    char *own = strstr(directory, "/threadleak.");
    selftest_ok(test, "directory of a run", "%.*s can be written and mapped",
                own > directory ? (int)(own - directory) : 1, directory);
}

static void check_memfd(struct selftest *test)
{
    int fd = memory_file("threadleak-selftest"), why = try_table(fd);
    if (fd >= 0)
        close(fd);
    if (!why)
        selftest_ok(test, "memfd", "programs with LD_PRELOAD alone can record their threads");
    else
        selftest_fail(test, "memfd", "%s: nothing is recorded with LD_PRELOAD alone; use threadleak run",
                      strerror(why));
}

/* ---- THREADLEAK_OPTIONS -------------------------------------------------------------------- */

static void note_option(void *arg, const char *line)
{
    selftest_note(arg, "THREADLEAK_OPTIONS", "%s", line);
}

/* An option in the settings of a CI can make every run find nothing. */
static void check_options(struct selftest *test)
{
    const char *text = getenv("THREADLEAK_OPTIONS");
    struct options options;
    if (!text || !*text)
        return;
    unsigned notes = test->notes;
    options_defaults(&options);
    options.exitcode = -1; /* until the variable sets it */
    options_parse(&options, text, note_option, test);
    if (!options.report || !options.judge)
        selftest_fail(test, "THREADLEAK_OPTIONS", "%s=none: nothing counts as a leak where this is set",
                      options.report ? "judge" : "report");
    else if (!options.exitcode)
        selftest_fail(test, "THREADLEAK_OPTIONS",
                      "exitcode=0: threadleak run ends with 0 where threads leaked; remove it, or use "
                      "--error-exitcode=66");
    else if (options.report != KIND_ALL || !(options.judge & JUDGE_EXIT))
        selftest_note(test, "THREADLEAK_OPTIONS", "not all leaks count where this is set: %s", text);
    else if (!options.follow)
        selftest_note(test, "THREADLEAK_OPTIONS", "follow=0: child processes are not watched");
    else if (notes == test->notes)
        selftest_ok(test, "THREADLEAK_OPTIONS", "is understood: %s", text);
}

void selftest_machine(struct selftest *test)
{
    check_library(test);
    check_unwinder(test);
    check_directory(test);
    check_memfd(test);
    check_options(test);
}

/* ---- optional features ------------------------------------------------------------------------- */

static void check_quit(struct selftest *test)
{
    struct sigaction action;
    if (sigaction(SIGQUIT, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
        selftest_note(test, "kill -QUIT",
                      "QUIT is ignored here, as in a script's background job, and stays so in programs: "
                      "--signal=USR1, or threadleak report PID");
}

static void check_cores(struct selftest *test)
{
    char pattern[256];
    struct rlimit limit;
    if (proc_read(PROC_PATH("sys/kernel/core_pattern"), pattern, sizeof(pattern)) <= 0 ||
        getrlimit(RLIMIT_CORE, &limit) != 0)
        return;
    pattern[strcspn(pattern, "\n")] = '\0';
    if (pattern[0] == '|')
        selftest_ok(test, "core files", "go to %.100s; threadleak report reads those that it stores",
                    pattern + 1);
    else if (!limit.rlim_cur)
        selftest_note(
            test, "core files",
            "none are written here; use 'ulimit -c unlimited' to have one for 'threadleak report CORE'");
    else
        selftest_ok(test, "core files", "are written (\"%s\"); threadleak report CORE reads them", pattern);
}

void selftest_surroundings(struct selftest *test)
{
    check_quit(test);
    check_cores(test);
}
