#include "preload/hooks/exec_record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "preload/shim/readable.h"
#include "preload/shim/say.h"
#include "preload/shim/run_ask.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"

/* No more is told: exec may be called on a small stack. */
#define FOLDER_MAX 512
#define PATH_TOLD 1024

bool exec_record_is_wanted(void)
{
    return *shim_config.run_dir && shim_config.options.follow && !shim_config.sandboxed;
}

/* ---- does the new program's environment bring us along? ------------------------ */

static bool names_us(const char *preload)
{
    return strstr(preload, "libthreadleak.so") != NULL;
}

/* Without our run's folder it reports by itself, or to another run: not our affair. */
static char kind_of(char *const *environment)
{
    bool loaded = false, ours = false, told = false;
    for (; environment && *environment; environment++) {
        if (strncmp(*environment, "LD_PRELOAD=", 11) == 0)
            loaded = names_us(*environment + 11); /* ld.so takes the last, getenv the first */
        else if (!told && (told = strncmp(*environment, LEDGER_RUN_ENV "=", sizeof(LEDGER_RUN_ENV)) == 0))
            ours = strcmp(*environment + sizeof(LEDGER_RUN_ENV), shim_config.run_dir) == 0;
    }
    if (!loaded)
        return LEDGER_EXEC_BARE;
    return ours ? LEDGER_EXEC_OURS : LEDGER_EXEC_OTHER;
}

/* Page by page, as memory is protected. */
static bool string_is_readable(const char *string)
{
    if (!memory_is_readable(string))
        return false;
    while (*string++)
        if (((uintptr_t)string & 4095) == 0 && !memory_is_readable(string))
            return false;
    return true;
}

static bool environment_is_readable(char *const *environment)
{
    for (; environment; environment++) {
        if (!memory_is_readable(environment) || !memory_is_readable((const char *)(environment + 1) - 1))
            return false;
        if (!*environment)
            return true;
        if (!string_is_readable(*environment))
            return false;
    }
    return true;
}

/* ---- where a relative path starts ------------------------------------------------ */

static void read_descriptor(int fd, char out[FOLDER_MAX])
{
    char link[40];
    struct text text = text_in(link, sizeof(link));
    text_string(&text, "/proc/self/fd/");
    text_number(&text, fd);
    long n = SYS4(readlinkat, AT_FDCWD, link, out, FOLDER_MAX - 1);
    out[n > 0 ? n : 0] = 0;
}

/* /proc/self/exe, and a descriptor's name there, mean something to the process alone. */
static bool is_link_of_own(const char *path, char out[FOLDER_MAX])
{
    if (!path || strncmp(path, "/proc/", 6) != 0)
        return false;
    long n = SYS4(readlinkat, AT_FDCWD, path, out, FOLDER_MAX - 1);
    out[n > 0 ? n : 0] = 0;
    return out[0] == '/';
}

static void find_folder(const struct exec_program *program, char out[FOLDER_MAX])
{
    out[0] = 0;
    if (program->searched || (program->path && *program->path == '/'))
        return;
    if (program->folder != AT_FDCWD)
        read_descriptor(program->folder, out);
    else if (SYS2(getcwd, out, FOLDER_MAX) < 0)
        out[0] = 0;
}

/* ---- the file ----------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static bool append(pid_t pid, uint64_t ns, char kind, const char *folder, const char *path)
{
    char file[sizeof(shim_config.run_dir) + sizeof(LEDGER_EXECS_FILE) + 1],
        record[64 + FOLDER_MAX + PATH_TOLD];
    struct text name = text_in(file, sizeof(file)), text = text_in(record, sizeof(record));
    text_string(&name, shim_config.run_dir);
    text_string(&name, "/" LEDGER_EXECS_FILE);
    text_number(&text, pid);
    text_string(&text, " ");
    text_number(&text, (int64_t)ns);
    text_string(&text, " ");
    text_bytes(&text, &kind, 1);
    text_bytes(&text, "", 1);
    text_string(&text, folder);
    text_bytes(&text, "", 1);
    text_string(&text, path);
    text_bytes(&text, "", 1);
    if (text.overflow)
        return false;
    long fd = SYS4(openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    int asked;
    if (fd >= 0)
        SYS2(fchmod, fd, 0600); /* whatever the umask of the one that made it */
    else if (run_ask(LEDGER_RUN_EXECS, &asked))
        fd = asked;
    if (fd < 0)
        return false;
    /* In one call, so that those of many processes do not mix. */
    shim_write((int)fd, record, text.length);
    SYS1(close, fd);
    return true;
}

static bool tell(const struct exec_program *program, pid_t pid, uint64_t ns)
{
    char folder[FOLDER_MAX];
    const char *path = program->path ? program->path : "";
    if (is_link_of_own(path, folder))
        path = "";
    else
        find_folder(program, folder);
    return append(pid, ns, kind_of(program->environment), folder, path);
}

bool exec_record_begin(const struct exec_program *program)
{
    if (!exec_record_is_wanted())
        return false;
    /* A shell tries each folder of PATH: what is not there leaves no mark.  And
     * the kernel's word that the path can be read at all. */
    if (program->path && !program->searched) {
        struct stat status; /* by the effective user, as exec does */
        long found = SYS4(newfstatat, program->folder, program->path, &status, 0);
        if (found == -EFAULT || (found != 0 && *program->path))
            return false;
    }
    if (!environment_is_readable(program->environment)) /* the kernel will say EFAULT */
        return false;
    return tell(program, (pid_t)SYS0(getpid), now_ns());
}

void exec_record_failed(void)
{
    append((pid_t)SYS0(getpid), now_ns(), LEDGER_EXEC_FAILED, "", "");
}

void exec_record_spawned(const struct exec_program *program, pid_t pid, uint64_t before_ns)
{
    tell(program, pid, before_ns);
}

void exec_record_shell(void)
{
    int saved_errno = errno;
    if (exec_record_is_wanted() && environment_is_readable(environ) && kind_of(environ) == LEDGER_EXEC_BARE)
        append(0, now_ns(), LEDGER_EXEC_BARE, "", "/bin/sh");
    errno = saved_errno;
}
