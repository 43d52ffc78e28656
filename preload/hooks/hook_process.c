/*
 * The hooks for ends of a process, exec, fork and unloading.
 * See guard.h for the rules of code in preload/.
 *
 * fork itself needs no hook: the state is on memory that a child finds zeroed,
 * and a fork handler attaches the child at once.
 */
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "preload/backtrace/capture.h"
#include "preload/hooks/exec_record.h"
#include "preload/exit/end.h"
#include "preload/exit/park.h"
#include "preload/shim/guard.h"
#include "preload/ledger/map.h"
#include "preload/backtrace/signal_capture.h"
#include "preload/shim/real.h"
#include "preload/shim/state.h"
#include "preload/ledger/site.h"
#include "preload/start/start.h"
#include "preload/shim/sys.h"

#define EXPORT __attribute__((visibility("default")))

/* ---- ends ---------------------------------------------------------------------- */

static _Noreturn void exit_now(int status)
{
    real_resolve_early();
    park_latecomer();
    status = end_process(LEDGER_END__EXIT, status);
    if (real._exit)
        real._exit(status);
    for (;;)
        SYS1(exit_group, status);
}

EXPORT _Noreturn void _exit(int status)
{
    exit_now(status);
}

EXPORT _Noreturn void _Exit(int status)
{
    exit_now(status);
}

EXPORT _Noreturn void exit(int status)
{
    real_resolve_early();
    park_latecomer();
    real.exit(status);
    for (;;)
        SYS1(exit_group, status);
}

EXPORT _Noreturn void quick_exit(int status)
{
    park_latecomer();
    real_resolve_early();
    struct shim_state *state = shim_known();
    if (state && shim_is_own_process(state))
        atomic_store(&state->quick_status, status);
    real.quick_exit(status);
    for (;;)
        SYS1(exit_group, status);
}

/* ---- exec ------------------------------------------------------------------------ */

/* Recorded before, since afterwards there is nobody: taken back when it fails.
 * The rest is a struct exec_program.  A vfork child comes here on its parent's
 * memory: end_process leaves that alone. */
#define EXEC(call, ...)                                                       \
    do {                                                                      \
        real_resolve_early();                                                 \
        park_latecomer();                                                     \
        end_process(LEDGER_END_EXEC, 0);                                      \
        bool marked = exec_record_begin(&(struct exec_program){__VA_ARGS__}); \
        int result = (call);                                                  \
        int saved_errno = errno;                                              \
        if (marked)                                                           \
            exec_record_failed();                                             \
        end_undo_exec();                                                      \
        errno = saved_errno;                                                  \
        return result;                                                        \
    } while (0)

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
    EXEC(real.execve(path, argv, envp), AT_FDCWD, path, false, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
    EXEC(real.execv(path, argv), AT_FDCWD, path, false, environ);
}

EXPORT int execvp(const char *file, char *const argv[])
{
    EXEC(real.execvp(file, argv), AT_FDCWD, file, !strchr(file, '/'), environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
    EXEC(real.execvpe(file, argv, envp), AT_FDCWD, file, !strchr(file, '/'), envp);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
    EXEC(real.fexecve(fd, argv, envp), fd, NULL, false, envp);
}

EXPORT int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
    EXEC(real.execveat(fd, path, argv, envp, flags), fd, path, false, envp);
}

static size_t count_arguments(va_list list)
{
    size_t n = 1;
    while (va_arg(list, const char *))
        n++;
    return n;
}

/* The l-forms, as vectors on the stack: glibc builds them the same way. */
#define GATHER(argv, first)                        \
    va_list list;                                  \
    va_start(list, first);                         \
    size_t argument_count = count_arguments(list); \
    va_end(list);                                  \
    char *argv[argument_count + 1];                \
    va_start(list, first);                         \
    argv[0] = (char *)(first);                     \
    for (size_t i = 1; i <= argument_count; i++)   \
        argv[i] = va_arg(list, char *);

EXPORT int execl(const char *path, const char *first, ...)
{
    GATHER(argv, first)
    va_end(list);
    EXEC(real.execv(path, argv), AT_FDCWD, path, false, environ);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
    GATHER(argv, first)
    va_end(list);
    EXEC(real.execvp(file, argv), AT_FDCWD, file, !strchr(file, '/'), environ);
}

EXPORT int execle(const char *path, const char *first, ...)
{
    GATHER(argv, first)
    char *const *envp = va_arg(list, char *const *);
    va_end(list);
    EXEC(real.execve(path, argv, envp), AT_FDCWD, path, false, envp);
}

/* ---- posix_spawn -------------------------------------------------------------------- */

typedef int spawn_fn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                     char *const[], char *const[]);

/* libc's own vfork and exec, which do not pass our hooks. */
static int spawn(spawn_fn *real_spawn, pid_t *out, const struct exec_program *program,
                 const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                 char *const argv[])
{
    pid_t own = 0, *pid = out ? out : &own; /* a SIGCHLD handler may look at the caller's at once */
    struct timespec before;
    if (!exec_record_is_wanted())
        return real_spawn(out, program->path, actions, attributes, argv, program->environment);
    clock_gettime(CLOCK_MONOTONIC, &before);
    int result = real_spawn(pid, program->path, actions, attributes, argv, program->environment);
    if (result != 0)
        return result;
    if (*pid > 0)
        exec_record_spawned(program, *pid,
                            (uint64_t)before.tv_sec * 1000000000ull + (uint64_t)before.tv_nsec);
    return result;
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    real_resolve_early();
    const struct exec_program program = {AT_FDCWD, path, false, envp};
    return spawn(real.posix_spawn, pid, &program, actions, attributes, argv);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    real_resolve_early();
    const struct exec_program program = {AT_FDCWD, file, !strchr(file, '/'), envp};
    return spawn(real.posix_spawnp, pid, &program, actions, attributes, argv);
}

/* ---- shells -------------------------------------------------------------------------- */

/* libc starts them by itself, too. */
EXPORT int system(const char *command)
{
    real_resolve_early();
    if (command)
        exec_record_shell();
    return real.system(command);
}

EXPORT FILE *popen(const char *command, const char *mode)
{
    real_resolve_early();
    exec_record_shell();
    return real.popen(command, mode);
}

/* ---- fork without handlers ------------------------------------------------------------ */

EXPORT pid_t _Fork(void)
{
    real_resolve_early();
    if (!real._Fork) {
        errno = ENOSYS;
        return -1;
    }
    pid_t pid = real._Fork();
    if (pid == 0) {
        int saved_errno = errno;
        shim_attach_child();
        errno = saved_errno;
    }
    return pid;
}

/* ---- sandboxes -------------------------------------------------------------------------- */

/*
 * A seccomp filter is set by this, or by a system call that an unprivileged
 * program must precede by PR_SET_NO_NEW_PRIVS (libseccomp does always).
 */
EXPORT int prctl(int option, ...)
{
    va_list list;
    va_start(list, option);
    unsigned long a = va_arg(list, unsigned long), b = va_arg(list, unsigned long);
    unsigned long c = va_arg(list, unsigned long), d = va_arg(list, unsigned long);
    va_end(list);
    real_resolve_early();
    int result = real.prctl(option, a, b, c, d);
    if (result == 0 && option == PR_SET_SECCOMP)
        shim_config.sandboxed = SANDBOX_SURE;
    else if (result == 0 && option == PR_SET_NO_NEW_PRIVS && !shim_config.sandboxed)
        shim_config.sandboxed = SANDBOX_MAYBE;
    /* After that: it would ask for its pid, which the filter may not know. */
    if (result == 0 && (option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS))
        signal_capture_sandboxed(option == PR_SET_SECCOMP);
    return result;
}

/* ---- locked memory ---------------------------------------------------------------------- */

/* All that is mapped becomes resident, and counts against RLIMIT_MEMLOCK. */
EXPORT int mlockall(int flags)
{
    real_resolve_early();
    struct shim_state *state = shim_known();
    if (state && shim_is_own_process(state))
        ledger_give_back(state);
    return real.mlockall(flags);
}

/* ---- unloading -------------------------------------------------------------------------- */

static int read_unload_count(struct dl_phdr_info *info, size_t size, void *count)
{
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(info->dlpi_subs))
        *(unsigned long long *)count = info->dlpi_subs;
    return 1;
}

static unsigned long long unload_count(void)
{
    unsigned long long count = 0;
    dl_iterate_phdr(read_unload_count, &count);
    return count;
}

EXPORT int dlclose(void *handle)
{
    real_resolve_early();
    struct shim_state *state = shim_known();
    if (!state)
        return real.dlclose(handle);
    unsigned long long before = unload_count();
    int result = real.dlclose(handle);
    struct guard guard = guard_enter();
    if (unload_count() != before) {
        capture_forget(state);
        site_forget_addresses(state);
    }
    guard_leave(guard);
    return result;
}
