#include "preload/hooks/exec_record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/shim/readable.h"
#include "preload/shim/run_ask.h"
#include "preload/shim/say.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"
#include "common/run_protocol.h"

/* Longer paths are cut off: the stack can be small. */
#define DIRECTORY_MAX 512
#define RECORD_PATH_MAX 1024

bool exec_record_is_wanted(void)
{
    return *shim_config.run_dir && shim_config.options.follow && !shim_config.sandboxed;
}

/* ---- the environment of the new program -------------------------------------------- */

static bool names_shim(const char *preload)
{
    return strstr(preload, "libthreadleak.so") != NULL;
}

/* With another run directory, or without one, the new program does not belong to this run. */
static char kind_of(char *const *environment)
{
    bool loaded = false, ours = false, found = false;
    for (; environment && *environment; environment++) {
        if (strncmp(*environment, "LD_PRELOAD=", 11) == 0)
            loaded = names_shim(*environment + 11); /* ld.so takes the last, getenv the first */
        else if (!found && (found = strncmp(*environment, LEDGER_RUN_ENV "=", sizeof(LEDGER_RUN_ENV)) == 0))
            ours = strcmp(*environment + sizeof(LEDGER_RUN_ENV), shim_config.run_dir) == 0;
    }
    if (!loaded)
        return LEDGER_EXEC_BARE;
    return ours ? LEDGER_EXEC_OURS : LEDGER_EXEC_OTHER;
}

/* Returns the end of the string; NULL: it is not readable. */
static const char *string_end(const char *string, uintptr_t *page)
{
    while (memory_is_readable_near(string, page)) {
        size_t rest = *page + MEMORY_PAGE - (uintptr_t)string;
        const char *end = memchr(string, 0, rest);
        if (end)
            return end;
        string += rest;
    }
    return NULL;
}

static bool environment_is_readable(char *const *environment)
{
    uintptr_t pointers = 0, strings = 0;
    for (; environment; environment++) {
        const char *string = (const char *)environment;
        if (!memory_is_readable_near(string, &pointers) ||
            !memory_is_readable_near(string + sizeof(string) - 1, &pointers))
            return false;
        if (!*environment)
            return true;
        if (!string_end(*environment, &strings))
            return false;
    }
    return true;
}

/* ---- the directory that a relative path starts from ------------------------------ */

static void read_link(const char *path, char out[DIRECTORY_MAX])
{
    long n = SYS4(readlinkat, AT_FDCWD, path, out, DIRECTORY_MAX - 1);
    out[n > 0 ? n : 0] = 0;
}

static void read_descriptor(int fd, char out[DIRECTORY_MAX])
{
    char link[40];
    struct text text = text_in(link, sizeof(link));
    text_print(&text, "/proc/self/fd/%d", fd);
    read_link(link, out);
}

/* /proc/self/exe and /proc/self/fd are other files in another process. */
static bool read_own_link(const char *path, char out[DIRECTORY_MAX])
{
    if (strncmp(path, "/proc/", 6) != 0)
        return false;
    read_link(path, out);
    return out[0] == '/';
}

static void find_directory(const struct exec_program *program, char out[DIRECTORY_MAX])
{
    out[0] = 0;
    if (program->searched || (program->path && *program->path == '/'))
        return;
    if (program->directory != AT_FDCWD)
        read_descriptor(program->directory, out);
    else if (SYS2(getcwd, out, DIRECTORY_MAX) < 0)
        out[0] = 0;
}

/* ---- the file ----------------------------------------------------------------------- */

static long open_records(void)
{
    char path[sizeof(shim_config.run_dir) + sizeof(LEDGER_EXECS_FILE) + 1];
    struct text text = text_in(path, sizeof(path));
    text_print(&text, "%s/" LEDGER_EXECS_FILE, shim_config.run_dir);
    long fd = SYS4(openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    int asked;
    if (fd < 0)
        return run_ask(LEDGER_RUN_EXECS, &asked) ? asked : -1;
    struct stat status;
    bool known = SYS2(fstat, fd, &status) == 0;
    if (known && (status.st_mode & 0600) != 0600)
        SYS2(fchmod, fd, 0600 | (status.st_mode & LEDGER_EXECS_LOST)); /* its creator's umask cleared bits */
    return fd;
}

static bool append(pid_t pid, uint64_t ns, char kind, const char *directory, const char *path)
{
    char line[64 + DIRECTORY_MAX + RECORD_PATH_MAX];
    struct text text = text_in(line, sizeof(line));
    text_print(&text, "%d %lu ", pid, ns);
    text_bytes(&text, &kind, 1);
    text_bytes(&text, "", 1);
    text_string(&text, directory);
    text_bytes(&text, "", 1);
    text_string(&text, path);
    text_bytes(&text, "", 1);
    long fd = text.overflow ? -1 : open_records();
    if (fd < 0)
        return false;
    /* One call: records of several processes do not mix. */
    bool written = shim_write((int)fd, line, text.length);
    if (!written)
        SYS2(fchmod, fd, 0600 | LEDGER_EXECS_LOST);
    SYS1(close, fd);
    return written;
}

static bool record(const struct exec_program *program, pid_t pid, uint64_t ns)
{
    char directory[DIRECTORY_MAX];
    const char *path = program->path ? program->path : "";
    if (read_own_link(path, directory))
        path = "";
    else
        find_directory(program, directory);
    return append(pid, ns, kind_of(program->environment), directory, path);
}

bool exec_record_begin(const struct exec_program *program)
{
    if (!exec_record_is_wanted())
        return false;
    /* A shell tries each directory of PATH.  EFAULT: the path is not readable. */
    if (program->path && !program->searched) {
        struct stat status; /* checks the effective user, as exec does */
        long found = SYS4(newfstatat, program->directory, program->path, &status, 0);
        if (found == -EFAULT || (found != 0 && *program->path))
            return false;
    }
    if (!environment_is_readable(program->environment)) /* exec will fail with EFAULT */
        return false;
    return record(program, (pid_t)SYS0(getpid), shim_clock_ns(CLOCK_MONOTONIC));
}

void exec_record_failed(void)
{
    append((pid_t)SYS0(getpid), shim_clock_ns(CLOCK_MONOTONIC), LEDGER_EXEC_FAILED, "", "");
}

void exec_record_spawned(const struct exec_program *program, pid_t pid, uint64_t before_ns)
{
    record(program, pid, before_ns);
}

void exec_record_shell(void)
{
    int saved_errno = errno;
    if (exec_record_is_wanted() && environment_is_readable(environ) && kind_of(environ) == LEDGER_EXEC_BARE)
        append(0, shim_clock_ns(CLOCK_MONOTONIC), LEDGER_EXEC_BARE, "", "/bin/sh");
    errno = saved_errno;
}
