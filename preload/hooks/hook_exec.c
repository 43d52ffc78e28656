/* The hooks for exec, posix_spawn and shells. */
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload/exit/end.h"
#include "preload/exit/dispositions.h"
#include "preload/exit/park.h"
#include "preload/hooks/exec_record.h"
#include "preload/shim/guard.h"
#include "preload/shim/real.h"
#include "preload/shim/state.h"

/* ---- exec ------------------------------------------------------------------------ */

/* Records the exec before it happens, and undoes that if it fails. The other arguments are a struct
 * exec_program. In a vfork child end_process has no effect. */
#define EXEC(call, ...)                                                         \
    do {                                                                        \
        park_latecomer();                                                       \
        end_process(LEDGER_END_EXEC, 0);                                        \
        dispositions_before_exec();                                             \
        bool recorded = exec_record_begin(&(struct exec_program){__VA_ARGS__}); \
        int result = (call);                                                    \
        int saved_errno = errno;                                                \
        if (recorded)                                                           \
            exec_record_failed();                                               \
        end_undo_exec();                                                        \
        errno = saved_errno;                                                    \
        return result;                                                          \
    } while (0)

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
    EXEC(REAL(execve)(path, argv, envp), AT_FDCWD, path, false, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
    EXEC(REAL(execv)(path, argv), AT_FDCWD, path, false, environ);
}

EXPORT int execvp(const char *file, char *const argv[])
{
    EXEC(REAL(execvp)(file, argv), AT_FDCWD, file, !strchr(file, '/'), environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
    EXEC(REAL(execvpe)(file, argv, envp), AT_FDCWD, file, !strchr(file, '/'), envp);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
    EXEC(REAL(fexecve)(fd, argv, envp), fd, NULL, false, envp);
}

/* <unistd.h> has it since glibc 2.34. */
int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags);
EXPORT int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
    EXEC(REAL(execveat)(fd, path, argv, envp, flags), fd, path, false, envp);
}

static size_t count_arguments(va_list list)
{
    size_t n = 1;
    while (va_arg(list, const char *))
        n++;
    return n;
}

/* The arguments of an l-form as a vector on the stack, as in glibc. */
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
    EXEC(REAL(execv)(path, argv), AT_FDCWD, path, false, environ);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
    GATHER(argv, first)
    va_end(list);
    EXEC(REAL(execvp)(file, argv), AT_FDCWD, file, !strchr(file, '/'), environ);
}

EXPORT int execle(const char *path, const char *first, ...)
{
    GATHER(argv, first)
    char *const *envp = va_arg(list, char *const *);
    va_end(list);
    EXEC(REAL(execve)(path, argv, envp), AT_FDCWD, path, false, envp);
}

/* ---- posix_spawn -------------------------------------------------------------------- */

typedef int spawn_fn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                     char *const[], char *const[]);

/* The new program would inherit the signals that are ignored from a judged end on. */
static const posix_spawnattr_t *spawn_attributes(posix_spawnattr_t *changed,
                                                 const posix_spawnattr_t *attributes)
{
    sigset_t ignored = dispositions_ignored(), set;
    short flags = 0;
    if (sigisemptyset(&ignored))
        return attributes;
    if (attributes)
        *changed = *attributes;
    else
        posix_spawnattr_init(changed);
    posix_spawnattr_getflags(changed, &flags);
    if (flags & POSIX_SPAWN_SETSIGDEF && posix_spawnattr_getsigdefault(changed, &set) == 0)
        sigorset(&ignored, &ignored, &set);
    posix_spawnattr_setsigdefault(changed, &ignored);
    posix_spawnattr_setflags(changed, (short)(flags | POSIX_SPAWN_SETSIGDEF));
    return changed;
}

/* libc uses its own vfork and exec, without our hooks. */
static int spawn(spawn_fn *real_spawn, pid_t *out, const struct exec_program *program,
                 const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                 char *const argv[])
{
    posix_spawnattr_t changed;
    attributes = spawn_attributes(&changed, attributes);
    pid_t own = 0, *pid = out ? out : &own; /* a SIGCHLD handler can read the caller's variable */
    uint64_t before_ns = shim_clock_ns(CLOCK_MONOTONIC);
    int result = real_spawn(pid, program->path, actions, attributes, argv, program->environment);
    if (result == 0 && *pid > 0 && exec_record_is_wanted())
        exec_record_spawned(program, *pid, before_ns);
    return result;
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    const struct exec_program program = {AT_FDCWD, path, false, envp};
    return spawn(REAL(posix_spawn), pid, &program, actions, attributes, argv);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    const struct exec_program program = {AT_FDCWD, file, !strchr(file, '/'), envp};
    return spawn(REAL(posix_spawnp), pid, &program, actions, attributes, argv);
}

/* ---- shells -------------------------------------------------------------------------- */

/* libc starts them with its own functions, too. */
EXPORT int system(const char *command)
{
    park_latecomer(); /* the shell would inherit the signals that are ignored now */
    if (command)
        exec_record_shell();
    return REAL(system)(command);
}

EXPORT FILE *popen(const char *command, const char *mode)
{
    park_latecomer();
    exec_record_shell();
    return REAL(popen)(command, mode);
}
