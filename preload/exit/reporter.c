#include "preload/exit/reporter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "preload/exit/park.h"
#include "preload/exit/raw_report.h"
#include "preload/shim/hold.h"
#include "preload/shim/park.h"
#include "preload/shim/readable.h"
#include "preload/shim/say.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"
#include "common/run_protocol.h"

#define STACK_SIZE 32768

/* What the two children need, in memory that they share with this process. */
struct job {
    char *argv[5 + REPORTER_ARGUMENTS + 1];
    char pid_text[24], fd_text[24], park_text[24], tid_text[24];
    bool at_end;                        /* then the reporter ends with this process */
    struct reporter_question *question; /* NULL: only a mode */
    long answer_fd;                     /* write end of the pipe; below 0: none */
    _Atomic int running;                /* the kernel clears it when the child in between has ended */
    enum reporter_verdict verdict;      /* of the child in between */
    char **envp;
    char *child_stack; /* stack of the reporter until its exec */
};

static bool is_ours(const char *variable)
{
    static const char *const names[] = {
        "LD_PRELOAD=", "LD_AUDIT=", "THREADLEAK_OPTIONS=", LEDGER_RUN_ENV "="};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static size_t environment_size(void)
{
    extern char **environ;
    uintptr_t page = 0;
    size_t n = 0;
    while (memory_is_readable_near(&environ[n], &page) && environ[n])
        n++;
    return n;
}

/* A library can have set a variable by putenv(), and be unloaded now. */
static void copy_environment(char **out, size_t count)
{
    extern char **environ;
    uintptr_t page = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (memory_is_readable_near(environ[i], &page) && !is_ours(environ[i]))
            out[n++] = environ[i];
    out[n] = NULL;
}

/* The kernel's struct sigaction, for the system call. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* A signal can end this process before the report is complete. */
static void end_with_parent(const struct job *job)
{
    if (job->at_end)
        SYS2(prctl, PR_SET_PDEATHSIG, SIGKILL);
}

/* From the directory of this library. `make install` sets it from SHIMDIR and BINDIR. */
#ifndef TO_PROGRAM
#define TO_PROGRAM "../bin/"
#endif

static const char *const places[] = {"threadleak", TO_PROGRAM "threadleak", "../bin/threadleak",
                                     "../../bin/threadleak"};

static int run_reporter(void *arg)
{
    struct job *job = arg;
    uint64_t none = 0;
    char path[1024];

    end_with_parent(job);
    SYS4(rt_sigprocmask, SIG_SETMASK, &none, NULL, KERNEL_SIGSET_SIZE);
    job->argv[0] = path;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        struct text text = text_in(path, sizeof(path));
        if (config_beside(&text, places[i]))
            SYS3(execve, path, job->argv, job->envp);
    }
    SYS1(exit_group, REPORTER_FAILED);
    return 0;
}

/* Returns the read end of the answer's pipe; below 0: there is none. */
static long hand_over(struct job *job)
{
    int ends[2];
    struct text text = text_in(job->fd_text, sizeof(job->fd_text));
    if (!job->question)
        return -1;
    if (job->question->fd >= 0) {
        SYS3(fcntl, job->question->fd, F_SETFD, 0);
        text_print(&text, "%d", job->question->fd);
        return -1;
    }
    if (SYS2(pipe2, ends, 0) != 0)
        SYS1(exit_group, REPORTER_FAILED);
    SYS3(fcntl, ends[0], F_SETFD, FD_CLOEXEC);
    text_print(&text, "%d", ends[1]);
    job->answer_fd = ends[1];
    return ends[0];
}

static void read_answer(const struct job *job, long fd)
{
    char *answer = job->question->answer;
    size_t size = LEDGER_ANSWER_MAX - 1, length = 0;
    long n;
    SYS1(close, job->answer_fd);
    while (length < size && ((n = SYS3(read, fd, answer + length, size - length)) > 0 || n == -EINTR))
        length += n > 0 ? (size_t)n : 0;
    answer[length] = 0;
}

/* The report can go into a pipe of the program.  If its other end were open here, too, the
 * reporter would not notice that the program has ended. */
static void close_all_but(int kept)
{
    if (kept > 3)
        SYS3(close_range, 3, kept - 1, 0);
    SYS3(close_range, kept < 3 ? 3 : kept + 1, ~0u, 0);
}

static int run_between(void *arg)
{
    struct job *job = arg;
    struct kernel_sigaction action = {.handler = SIG_DFL};
    int status = 0;

    /* This child has its own descriptors and dispositions. The reporter needs the standard streams. If
     * SIGCHLD were ignored, its exit status would be lost. */
    end_with_parent(job);
    close_all_but(job->question ? job->question->fd : -1);
    SYS4(rt_sigaction, SIGCHLD, &action, NULL, KERNEL_SIGSET_SIZE);
    long answer = hand_over(job);
    long pid =
        sys_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, job->child_stack + STACK_SIZE, run_reporter, job, NULL);
    if (pid < 0)
        SYS1(exit_group, REPORTER_FAILED);
    if (answer >= 0)
        read_answer(job, answer);
    long result = sys_wait(pid, &status);
    if (result == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE) /* it has reported something */
        job->verdict = REPORTER_LEAKS;
    if (result == pid && WIFEXITED(status) && WEXITSTATUS(status) < REPORTER_FAILED)
        job->verdict = (enum reporter_verdict)WEXITSTATUS(status);
    SYS1(exit_group, 0);
    return 0;
}

/* hold_begin() has blocked all signals, also for the children. */
static void let_signals_end(const struct shim_state *state)
{
    uint64_t mask = park_mask();
    if (atomic_load(&state->parking))
        SYS4(rt_sigprocmask, SIG_SETMASK, &mask, NULL, KERNEL_SIGSET_SIZE);
}

/* Another thread can have got its exit status, by a wait4() with __WALL for any child. Then the kernel has
 * cleared `running`, before Linux 4.8 only if it was not killed. */
static void wait_for(long pid, struct job *job)
{
    static const struct timespec rest = {0, 10000000};
    long result = sys_wait(pid, NULL);
    while (result != pid && job->running && SYS2(kill, pid, 0) == 0)
        SYS4(futex, &job->running, FUTEX_WAIT, 1, &rest);
}

static enum reporter_verdict run_job(struct job *job, char *stack)
{
    job->running = 1;
    job->verdict = REPORTER_FAILED;
    /* A debugger would take the child for a thread, and follow the reporter. */
    unsigned long flags = CLONE_VM | CLONE_CHILD_CLEARTID | CLONE_UNTRACED;
    long pid = sys_clone(flags, stack + STACK_SIZE, run_between, job, &job->running);
    if (pid < 0)
        return REPORTER_FAILED;
    if (job->at_end)
        let_signals_end(shim_state);
    wait_for(pid, job);
    return job->verdict;
}

/* A process that dropped privileges is not dumpable, and with Yama only an ancestor
 * may trace without permission. */
long reporter_allow(void)
{
    long dumpable = SYS1(prctl, PR_GET_DUMPABLE);
    if (dumpable != 1)
        SYS2(prctl, PR_SET_DUMPABLE, 1);
    SYS2(prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    return dumpable;
}

void reporter_disallow(long dumpable)
{
    SYS2(prctl, PR_SET_PTRACER, 0);
    if (shim_config.ptracer)
        SYS2(prctl, PR_SET_PTRACER, shim_config.ptracer);
    if (dumpable != 1)
        SYS2(prctl, PR_SET_DUMPABLE, dumpable);
}

/* At an end the reporter stops the other threads for ever: PARK and TID for cmd_explain.c. */
static void prepare_end(struct job *job)
{
    struct text park_text = text_in(job->park_text, sizeof(job->park_text));
    struct text tid_text = text_in(job->tid_text, sizeof(job->tid_text));
    job->at_end = true;
    if (shim_config.sanitizer)
        return;
    atomic_store(&shim_state->parked, 1);
    text_print(&park_text, "%lu", (uint64_t)park_as_it_is);
    text_print(&tid_text, "%d", shim_own_tid());
    job->argv[4] = job->park_text;
    job->argv[5] = job->tid_text;
}

static void prepare(struct job *job, const char *mode, struct reporter_question *question)
{
    struct text pid_text = text_in(job->pid_text, sizeof(job->pid_text));
    text_print(&pid_text, "%d", shim_state->pid);
    job->question = question;
    job->answer_fd = -1;
    job->argv[1] = "_explain";
    job->argv[2] = (char *)mode;
    job->argv[3] = job->pid_text;
    job->argv[4] = question ? job->fd_text : NULL;
    for (size_t i = 0; question && i < REPORTER_ARGUMENTS && question->arguments[i]; i++)
        job->argv[5 + i] = (char *)question->arguments[i];
    /* Another thread can report its abort meanwhile: it must not stop the thread that ends the process. */
    if (!question && atomic_load(&shim_state->parking) && strcmp(mode, "dump") != 0 &&
        atomic_load(&shim_state->header->end_tid) == shim_own_tid())
        prepare_end(job);
}

/* The memory: the stack of the child in between, that of the reporter, the job, its
 * environment. */
static enum reporter_verdict run(const char *mode, struct reporter_question *question)
{
    size_t variables = environment_size() + 1;
    size_t size = 2 * STACK_SIZE + sizeof(struct job) + variables * sizeof(char *);
    char *stack = sys_map(size);
    if (!stack)
        return REPORTER_FAILED;
    struct job *job = (struct job *)(stack + 2 * STACK_SIZE);
    job->child_stack = stack + STACK_SIZE;
    job->envp = (char **)(job + 1);
    copy_environment(job->envp, variables - 1);
    prepare(job, mode, question);
    /* No handler of the program may run in the child in between. None may run in this thread either, while
     * the child uses its thread-local storage. */
    struct hold hold = hold_begin(&shim_state->reporting);
    long dumpable = reporter_allow();
    enum reporter_verdict verdict = run_job(job, stack);
    reporter_disallow(dumpable);
    hold_end(&hold);
    SYS2(munmap, stack, size);
    return verdict;
}

enum reporter_verdict reporter_run(const char *mode)
{
    return run(mode, NULL);
}

enum reporter_verdict reporter_ask(struct reporter_question *question)
{
    if (question->answer)
        question->answer[0] = 0;
    return run(question->mode, question);
}

enum reporter_verdict reporter_explain(const char *mode, unsigned kinds)
{
    bool to_stderr = strcmp(shim_config.options.log_path, "stderr") == 0;
    if (to_stderr && !shim_stderr_is_safe())
        return REPORTER_NO_LEAKS; /* nobody would see the report */
    bool can = !shim_config.sandboxed && !shim_config.no_reporter;
    enum reporter_verdict verdict = can ? reporter_run(mode) : REPORTER_FAILED;
    if (verdict != REPORTER_FAILED)
        return verdict;
    raw_report_write(shim_state, &(struct leak_scope){.kinds = kinds});
    return REPORTER_LEAKS;
}
