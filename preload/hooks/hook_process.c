/* The hooks for ends of a process, fork, sandboxes, locked memory and unloading. */
#include <dlfcn.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "preload/backtrace/capture.h"
#include "preload/backtrace/signal_capture.h"
#include "preload/exit/abort.h"
#include "preload/exit/begin.h"
#include "preload/exit/dispositions.h"
#include "preload/exit/end.h"
#include "preload/exit/park.h"
#include "preload/ledger/fork.h"
#include "preload/ledger/section.h"
#include "preload/shim/hook.h"
#include "preload/shim/real.h"
#include "preload/shim/stack_room.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"
#include "preload/start/start.h"

/* ---- ends ---------------------------------------------------------------------- */

/* first: also if another thread has ended the program. before: records what comes, and can change `status`.
 */
#define END(name, real_name, first, before) \
    EXPORT _Noreturn void name(int status)  \
    {                                       \
        first;                              \
        park_latecomer();                   \
        before;                             \
        REAL(real_name)(status);            \
        for (;;)                            \
            SYS1(exit_group, status);       \
    }

static void begin_quick_exit(int status)
{
    IN_HOOK(shim_own);
    if (hook.state)
        atomic_store(&hook.state->quick_status, status);
}

END(_exit, _exit, (void)0, status = end_process(LEDGER_END__EXIT, status))
END(_Exit, _exit, (void)0, status = end_process(LEDGER_END__EXIT, status))
END(exit, exit, begin_exiting(), begin_exit(status))
END(quick_exit, quick_exit, begin_exiting(), begin_quick_exit(status))

/* ---- aborts ---------------------------------------------------------------------- */

/* What libc itself calls is not seen: a failed check of malloc, or of the stack. assert() of libc prints its
 * message and aborts. name: also if NDEBUG, or the compiler, takes its declaration for something else. */
#define ABORT(name, call, params, args)                  \
    _Noreturn void name params;                          \
    EXPORT _Noreturn void name params                    \
    {                                                    \
        abort_report(call, __builtin_return_address(0)); \
        REAL(name) args;                                 \
        for (;;)                                         \
            real_act_as_default(SIGABRT);                \
    }
ABORT(abort, ABORT_CALL, (void), ())
ABORT(__assert_fail, ABORT_ASSERT, (const char *text, const char *file, unsigned line, const char *function),
      (text, file, line, function))
ABORT(__assert_perror_fail, ABORT_ASSERT, (int error, const char *file, unsigned line, const char *function),
      (error, file, line, function))
ABORT(__assert, ABORT_ASSERT, (const char *text, const char *file, int line), (text, file, line))

/* ---- fork without handlers ------------------------------------------------------------ */

/* The handlers of fork attach the child. This library has no code that would remove them at exit(). */
EXPORT pid_t fork(void)
{
    shim_tls.fork_caller = __builtin_extract_return_addr(__builtin_return_address(0));
    pid_t pid = REAL(fork)();
    shim_tls.fork_caller = NULL;
    return pid;
}

/* No handlers run. */
static void before_fork_without_handlers(void)
{
    IN_HOOK(shim_own);
    if (hook.state)
        fork_begin(hook.state);
}

/* <unistd.h> has it since glibc 2.34. */
pid_t _Fork(void);
EXPORT pid_t _Fork(void)
{
    before_fork_without_handlers();
    shim_tls.fork_caller = __builtin_extract_return_addr(__builtin_return_address(0));
    pid_t pid = REAL(_Fork)();
    if (pid == 0)
        shim_attach_child();
    shim_tls.fork_caller = NULL;
    return pid;
}

/* ---- sandboxes -------------------------------------------------------------------------- */

static void before_sandbox(void)
{
    IN_HOOK(shim_ready_early);
    if (hook.state)
        ledger_before_sandbox(hook.state);
}

/* A child of vfork does it to itself, not to its parent, whose memory this is: false. */
static bool sandbox_begin(void)
{
    if (shim_shares_memory())
        return false;
    if (!shim_config.sandboxed)
        before_sandbox();
    return true;
}

/* `sandboxed` is set before the call: it avoids getpid, which the filter can forbid. */
static void sandbox_end(int sandbox)
{
    if (shim_config.sandboxed < sandbox)
        shim_config.sandboxed = sandbox;
    signal_capture_sandboxed(sandbox == SANDBOX_SURE);
}

/* A seccomp filter is set by prctl or by seccomp(2), for which libc has no function.  Before that an
 * unprivileged program must set PR_SET_NO_NEW_PRIVS, and libseccomp always does. */
EXPORT int prctl(int option, ...)
{
    va_list list;
    va_start(list, option);
    unsigned long a = va_arg(list, unsigned long), b = va_arg(list, unsigned long);
    unsigned long c = va_arg(list, unsigned long), d = va_arg(list, unsigned long);
    va_end(list);
    int sandbox = option == PR_SET_SECCOMP        ? SANDBOX_SURE
                  : option == PR_SET_NO_NEW_PRIVS ? SANDBOX_MAYBE
                                                  : SANDBOX_NONE;
    bool begins = sandbox && sandbox_begin();
    int result = REAL(prctl)(option, a, b, c, d);
    if (begins && result == 0)
        sandbox_end(sandbox);
    if (option == PR_SET_PTRACER && result == 0 && !shim_shares_memory())
        shim_config.ptracer = a; /* the reporter needs another tracer for a moment */
    return result;
}

static __attribute__((noinline)) long set_filter(long operation, long flags, long filter)
{
    bool begins = sandbox_begin();
    long result = SYS3(seccomp, operation, flags, filter);
    if (begins && result >= 0)
        sandbox_end(SANDBOX_SURE);
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

/* Also the first call of a process, before the real function is known. */
static __attribute__((noinline)) long rare_call SYSCALL_PARAMETERS
{
    if (number == SYS_seccomp && (a == SECCOMP_SET_MODE_STRICT || a == SECCOMP_SET_MODE_FILTER))
        return set_filter(a, b, c);
    return REAL(syscall) SYSCALL_ARGUMENTS;
}

/* <unistd.h> declares it with "...". All others are a jump to libc's, without a frame of ours. */
long hook_syscall SYSCALL_PARAMETERS __asm__("syscall");
EXPORT long hook_syscall SYSCALL_PARAMETERS
{
    if (__builtin_expect(!real_found.syscall || number == SYS_seccomp, 0))
        return rare_call SYSCALL_ARGUMENTS;
    return real_found.syscall SYSCALL_ARGUMENTS;
}

/* ---- another root -------------------------------------------------------------------------- */

/* The libraries of the unwinder and /proc can be missing there. */
EXPORT int chroot(const char *path)
{
    {
        IN_HOOK(shim_ready_early);
    }
    return REAL(chroot)(path);
}

/* ---- other namespaces ---------------------------------------------------------------------- */

/* There the directory of a run can be missing, and its socket. */
static void before_namespace(void)
{
    if (!*shim_config.run_dir)
        return;
    IN_HOOK(shim_ready);
}

EXPORT int unshare(int flags)
{
    if (flags & (CLONE_NEWNET | CLONE_NEWNS))
        before_namespace();
    return REAL(unshare)(flags);
}

EXPORT int setns(int fd, int type)
{
    before_namespace();
    return REAL(setns)(fd, type);
}

/* ---- locked memory ---------------------------------------------------------------------- */

/* MCL_CURRENT makes all mapped memory resident, and it counts for RLIMIT_MEMLOCK. MCL_FUTURE does so with
 * what is mapped later. */
static void before_lock(void)
{
    IN_HOOK(shim_ready_early);
    if (hook.state && shim_is_own_process(hook.state))
        ledger_give_back(hook.state);
    spare_give_back();
}

EXPORT int mlockall(int flags)
{
    before_lock();
    return REAL(mlockall)(flags);
}

/* ---- unloading -------------------------------------------------------------------------- */

EXPORT int dlclose(void *handle)
{
    IN_HOOK(shim_known);
    struct module_unload unload =
        capture_before_unload(hook.state, handle, __builtin_extract_return_addr(__builtin_return_address(0)));
    hook_pause(&hook);
    int result = REAL(dlclose)(handle);
    hook_resume(&hook);
    if (!hook.state) /* a child that was forked meanwhile */
        unload.serial = 0;
    /* A destructor can have created the first thread. */
    capture_after_unload(shim_known(), &unload, result);
    return result;
}
