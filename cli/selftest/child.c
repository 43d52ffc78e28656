#include "cli/selftest/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "common/ledger.h"
#include "common/run_protocol.h"

#define LONGEST_MS                                                                                         \
    30000 /* time limit of one wait: long enough for a busy machine, short enough to report a program that \
             hangs */

/* ---- to start --------------------------------------------------------------------------- */

static void set_environment(const char *preload, const char *options)
{
    const char *before = getenv("LD_PRELOAD");
    char *list = NULL;
    /* The planted program must not report to a run that this process is part of. */
    unsetenv(LEDGER_RUN_ENV);
    unsetenv("THREADLEAK_OPTIONS");
    if (options)
        setenv("THREADLEAK_OPTIONS", options, 1);
    if (preload && asprintf(&list, "%s%s%s", preload, before ? ":" : "", before ? before : "") > 0)
        setenv("LD_PRELOAD", list, 1);
    free(list);
    /* As in run, lets a threadleak that was built with ASan start after the library. */
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);
}

static void become(char *const argv[], const int in[2], const int out[2], const int err[2],
                   const char *preload, const char *options)
{
    /* The dispositions of a program that is started from a shell. */
    static const int usual[] = {SIGINT, SIGQUIT, SIGUSR1, SIGALRM, SIGPIPE, SIGTERM, SIGCHLD};
    sigset_t none;
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        signal(usual[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    set_environment(preload, options);
    if (dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1 && dup2(err[1], 2) == 2)
        execv(argv[0], argv);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static void close_pipe(int ends[2])
{
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

bool selftest_start(struct selftest_child *child, char *const argv[], const char *preload,
                    const char *options)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
    memset(child, 0, sizeof(*child));
    child->in = child->out.fd = child->err.fd = -1;
    if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0) {
        fflush(stdout);
        child->pid = fork();
        if (child->pid == 0)
            become(argv, in, out, err, preload, options);
        if (child->pid > 0) {
            child->in = in[1];
            child->out.fd = out[0];
            child->err.fd = err[0];
            in[1] = out[0] = err[0] = -1;
        }
    }
    int saved = errno;
    close_pipe(in);
    close_pipe(out);
    close_pipe(err);
    errno = saved;
    return child->pid > 0;
}

/* ---- to read ------------------------------------------------------------------------------ */

static void close_text(struct selftest_text *text)
{
    if (text->fd >= 0)
        close(text->fd);
    text->fd = -1;
}

static void read_some(struct selftest_text *text)
{
    char part[16384];
    ssize_t got = read(text->fd, part, sizeof(part));
    if (got < 0 && errno == EINTR)
        return;
    char *grown = got > 0 ? realloc(text->bytes, text->size + (size_t)got + 1) : NULL;
    if (!grown) {
        close_text(text);
        return;
    }
    memcpy(grown + text->size, part, (size_t)got);
    text->bytes = grown;
    text->size += (size_t)got;
    text->bytes[text->size] = '\0';
}

/* False: the time is over, or both are at end of file. */
static bool read_either(struct selftest_child *child, uint64_t until)
{
    struct pollfd fds[] = {{child->out.fd, POLLIN, 0}, {child->err.fd, POLLIN, 0}};
    int64_t left = (int64_t)(until - now_ns()) / 1000000;
    if (left <= 0 || (child->out.fd < 0 && child->err.fd < 0))
        return false;
    int ready = poll(fds, 2, (int)left);
    if (ready < 0)
        return errno == EINTR;
    if (fds[0].revents)
        read_some(&child->out);
    if (fds[1].revents)
        read_some(&child->err);
    return ready > 0;
}

bool selftest_await(struct selftest_child *child, struct selftest_text *text, const char *wanted)
{
    uint64_t until = now_ns() + LONGEST_MS * UINT64_C(1000000);
    while (!text->bytes || !strstr(text->bytes, wanted))
        if (text->fd < 0 || !read_either(child, until))
            return false;
    return true;
}

int selftest_end(struct selftest_child *child)
{
    int status = 0;
    uint64_t until = now_ns() + LONGEST_MS * UINT64_C(1000000);
    if (child->in >= 0)
        close(child->in);
    child->in = -1;
    while (read_either(child, until))
        ;
    if (child->out.fd >= 0 || child->err.fd >= 0)
        kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
    return status;
}

void selftest_release(struct selftest_child *child)
{
    close_text(&child->out);
    close_text(&child->err);
    if (child->in >= 0)
        close(child->in);
    free(child->out.bytes);
    free(child->err.bytes);
}
