#include "cli/watch/on_leak.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/common/cli.h"
#include "cli/watch/print.h"
#include "cli/watch/words.h"

enum { WORDS = 64 };

static pid_t running[ON_LEAK_MAX];
static size_t running_count;

/* ---- in the child --------------------------------------------------------------------------------- */

static bool split(char *command, char *words[WORDS])
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(command, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
        if (count + 1 == WORDS)
            return false;
        words[count++] = word;
    }
    words[count] = NULL;
    return count > 0;
}

/* The report follows the verdict in the same file. */
static void add_report(int file, pid_t pid)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", (int)pid);
    pid_t child = fork();
    if (child == 0) {
        dup2(file, 1);
        execl("/proc/self/exe", "threadleak", "report", "--color=never", text, (char *)NULL);
        _exit(STATUS_CANNOT);
    }
    if (child > 0)
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            continue;
}

static _Noreturn void run_command(char *words[], int file, pid_t pid)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    add_report(file, pid);
    lseek(file, 0, SEEK_SET);
    dup2(file, 0);
    execvp(words[0], words);
    cli_message("watch: --on-leak: %s: %s", words[0], strerror(errno));
    _exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

/* ---- start ----------------------------------------------------------------------------------------- */

static bool write_verdict(int file, const struct watched *watched, size_t site, enum watch_why why)
{
    int copy = dup(file);
    FILE *out = copy >= 0 ? fdopen(copy, "w") : NULL;
    if (!out) {
        if (copy >= 0)
            close(copy);
        return false;
    }
    print_verdict(out, watched, site, why);
    putc('\n', out);
    return fclose(out) == 0;
}

static void set_environment(const struct watched *watched, size_t site, enum watch_why why)
{
    char pid[16];
    struct line line = {.length = 0};
    line_add_verdict(&line, watched, site, why);
    snprintf(pid, sizeof(pid), "%d", (int)watched->pid);
    setenv("THREADLEAK_PID", pid, 1);
    setenv("THREADLEAK_VERDICT", line.text, 1);
    setenv("THREADLEAK_FINGERPRINT", watched->counts.items[site].fingerprint, 1);
}

bool on_leak_start(const char *command, const struct watched *watched, size_t site, enum watch_why why,
                   struct error *error)
{
    char *words[WORDS], *copy = strdup(command);
    int file = memory_file("report");
    bool done = copy && file >= 0 && split(copy, words) && write_verdict(file, watched, site, why);
    if (!done)
        error_set(error, "--on-leak: the report could not be made: %s", strerror(errno));
    else if (running_count == ON_LEAK_MAX)
        done = error_set(error, "--on-leak: %d commands are still running; this verdict starts none",
                         ON_LEAK_MAX);
    pid_t child = -1;
    if (done) {
        fflush(NULL);
        child = fork();
    }
    if (child == 0) {
        set_environment(watched, site, why);
        run_command(words, file, watched->pid);
    }
    if (done && child < 0)
        done = error_set(error, "--on-leak: no process could be made: %s", strerror(errno));
    if (child > 0)
        running[running_count++] = child;
    if (file >= 0)
        close(file);
    free(copy);
    return done;
}

/* ---- ends ------------------------------------------------------------------------------------------ */

static void reap(int flags)
{
    size_t kept = 0;
    for (size_t i = 0; i < running_count; i++) {
        int status;
        pid_t ended = waitpid(running[i], &status, flags);
        if (ended == 0 || (ended < 0 && errno == EINTR))
            running[kept++] = running[i];
        else if (ended > 0 && WIFSIGNALED(status))
            cli_message("watch: the command of --on-leak was ended by signal %d", WTERMSIG(status));
        else if (ended > 0 && WEXITSTATUS(status))
            cli_message("watch: the command of --on-leak exited with %d", WEXITSTATUS(status));
    }
    running_count = kept;
}

void on_leak_reap(void)
{
    reap(WNOHANG);
}

void on_leak_wait(void)
{
    reap(0);
}
