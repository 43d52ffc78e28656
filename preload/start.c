/*
 * Start of the shim in a program, and of its ledger in each process.
 * See guard.h for the rules of code in this folder.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "brought.h"
#include "capture.h"
#include "finish.h"
#include "guard.h"
#include "ledger_map.h"
#include "present.h"
#include "real.h"
#include "recall.h"
#include "shim.h"
#include "sys.h"
#include "text.h"
#include "thread_end.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

#define SITE_LEVELS 3 /* 10,752 entries */

struct shim_state *shim_state;
struct shim_config shim_config = {.tid_offset = -1, .start_offset = -1};
__thread struct shim_tls shim_tls;

static struct shim_state fallback_state; /* when there is no memory for the real one: never ready */

#define KERNEL_SIGSET_SIZE 8
static uint64_t signal_bit(int signal)
{
    return 1ull << (signal - 1);
}

void shim_write(int fd, const char *text, size_t n)
{
    uint64_t raised = signal_bit(SIGPIPE) | signal_bit(SIGXFSZ), before = 0, pending = 0;
    struct timespec now = {0, 0};
    bool quiet = !shim_config.sandboxed;
    long written = 0;

    if (quiet) {
        SYS4(rt_sigprocmask, SIG_BLOCK, &raised, &before, KERNEL_SIGSET_SIZE);
        SYS2(rt_sigpending, &pending, KERNEL_SIGSET_SIZE);
    }
    while (n > 0 && ((written = SYS3(write, fd, text, n)) > 0 || written == -EINTR))
        if (written > 0) {
            text += written;
            n -= (size_t)written;
        }
    if (!quiet)
        return;
    raised &= ~pending;
    if ((written == -EPIPE || written == -EFBIG) && raised)
        SYS4(rt_sigtimedwait, &raised, NULL, &now, KERNEL_SIGSET_SIZE);
    SYS4(rt_sigprocmask, SIG_SETMASK, &before, NULL, KERNEL_SIGSET_SIZE);
}

static void remember_stderr(void)
{
    struct stat status;
    shim_config.had_stderr = fstat(2, &status) == 0;
    shim_config.stderr_device = status.st_dev;
    shim_config.stderr_inode = status.st_ino;
}

bool shim_stderr_is_safe(void)
{
    struct stat status;
    if (shim_config.sandboxed)
        return shim_config.had_stderr;
    if (fstat(2, &status) != 0)
        return false;
    if (shim_config.had_stderr && status.st_dev == shim_config.stderr_device &&
        status.st_ino == shim_config.stderr_inode)
        return true;
    /* A daemon's log is fine, also as a pipe or a terminal. */
    long flags = SYS2(fcntl, 2, F_GETFL);
    bool log = flags >= 0 && ((flags & O_ACCMODE) == O_WRONLY || flags & O_APPEND);
    return S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode) || (S_ISREG(status.st_mode) && log);
}

void shim_say(const char *line)
{
    char buffer[640];
    struct text text = text_in(buffer, sizeof(buffer));
    text_string(&text, "threadleak: ");
    text_string(&text, line);
    text_string(&text, "\n");
    if (shim_stderr_is_safe())
        shim_write(2, buffer, text.length);
}

static void warn_option(void *arg, const char *line)
{
    (void)arg;
    shim_say(line);
}

static void copy_string(char *out, size_t size, const char *string)
{
    struct text text = text_in(out, size);
    text_string(&text, string);
    if (text.overflow)
        out[0] = 0;
}

static void read_environment(void)
{
    const char *text = getenv("THREADLEAK_OPTIONS");
    const char *dir = getenv(LEDGER_RUN_ENV);

    /* valgrind leaves its own entry there. */
    const char *preload = getenv("LD_PRELOAD");
    shim_config.no_reporter = preload && strstr(preload, "vgpreload_");
    options_defaults(&shim_config.options);
    options_parse(&shim_config.options, brought_environment(text), warn_option, NULL);
    test_name_find(shim_config.test, sizeof(shim_config.test));
    if (dir && *dir == '/')
        copy_string(shim_config.run_dir, sizeof(shim_config.run_dir), dir);
    for (unsigned n = 0; shim_config.options.help && options_help(n); n++)
        shim_say(options_help(n));
}

/* follow=0: our children start without us.  The variable is the program's to
 * see, so only our own entry is taken out of it. */
static void leave_children_alone(void)
{
    extern char **environ;
    if (shim_config.options.follow || !environ)
        return;
    char **out = environ;
    for (char **in = environ; *in; in++) {
        char *own = strncmp(*in, "LD_PRELOAD=", 11) == 0 ? strstr(*in, "libthreadleak.so") : NULL;
        if (!own) {
            *out++ = *in;
            continue;
        }
        char *from = own, *to = own + strlen("libthreadleak.so");
        while (from > *in + 11 && from[-1] != ':' && from[-1] != ' ')
            from--;
        while (*to && *to != ':' && *to != ' ')
            to++;
        if (*to)
            to++;
        memmove(from, to, strlen(to) + 1);
        if ((*in)[11])
            *out++ = *in;
    }
    *out = NULL;
}

/* threadleak stands beside this library, or in ../bin or ../../bin of it. */
static void find_reporter(void)
{
    static const char *const places[REPORTER_PLACES] = {"threadleak", "../bin/threadleak",
                                                        "../../bin/threadleak"};
    Dl_info info;
    char dir[512];

    if (!dladdr((void *)find_reporter, &info) || !info.dli_fname)
        return;
    struct text text = text_in(dir, sizeof(dir));
    if (info.dli_fname[0] != '/') {
        long n = SYS2(getcwd, dir, sizeof(dir));
        if (n <= 1)
            return;
        text.length = (size_t)n - 1;
        text_string(&text, "/");
    }
    text_string(&text, info.dli_fname);
    char *slash = strrchr(dir, '/');
    if (text.overflow || !slash)
        return;
    slash[1] = 0;
    for (size_t i = 0; i < REPORTER_PLACES; i++) {
        struct text path = text_in(shim_config.reporter[i], sizeof(shim_config.reporter[i]));
        text_string(&path, dir);
        text_string(&path, places[i]);
        if (path.overflow)
            shim_config.reporter[i][0] = 0;
    }
}

/* A field of struct pthread, as glibc tells it to debuggers (nptl_db): its offset, or -1. */
static int32_t pthread_field(const char *symbol, uint32_t bits)
{
    const uint32_t *field = dlsym(RTLD_DEFAULT, symbol); /* bits, count, offset */
    return field && field[0] == bits && field[1] == 1 && field[2] < 4096 ? (int32_t)field[2] : -1;
}

static void find_offsets(void)
{
    const char *self = (const char *)pthread_self();
    shim_config.start_offset = pthread_field("_thread_db_pthread_start_routine", 64);
    shim_config.tls_offset = (int32_t)((const char *)&shim_tls - self);
    hook_trampolines(shim_config.trampolines);
    /* Believed only when this thread's own tid is found there. */
    int32_t offset = pthread_field("_thread_db_pthread_tid", 32);
    if (offset >= 0 && *(const int32_t *)(self + offset) == (int32_t)SYS0(gettid))
        shim_config.tid_offset = offset;
}

static void find_default_attributes(void)
{
    struct rlimit limit;
    /* glibc takes the default size of a stack from here. */
    if (SYS4(prlimit64, 0, RLIMIT_STACK, NULL, &limit) == 0)
        shim_config.default_small = limit.rlim_cur < SMALL_STACK;
}

static void find_exe(void)
{
    long n = SYS4(readlinkat, AT_FDCWD, "/proc/self/exe", shim_config.exe, sizeof(shim_config.exe) - 1);
    shim_config.exe[n > 0 ? n : 0] = 0;
}

static void *wiped_on_fork(size_t size)
{
    long at = SYS6(mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at < 0 && at > -4096)
        return NULL;
    SYS3(madvise, at, size, MADV_WIPEONFORK);
    return (void *)at;
}

static size_t state_size(void)
{
    return (sizeof(struct shim_state) + 4095) & ~4095ul;
}

static void make_state(void)
{
    /* The state and its indexes: virtual space, of which a few pages get used. */
    size_t size = state_size() + 2 * index_bytes(SITE_LEVELS) + recall_bytes();
    struct shim_state *state = wiped_on_fork(size);
    shim_state = state ? state : &fallback_state;
    if (!state)
        atomic_store(&fallback_state.ready, SHIM_FAILED);
}

static void before_fork(void)
{
    struct shim_state *state = shim_known();
    if (state && !(atomic_load(&state->header->flags) & LEDGER_FORKS) && shim_is_own_process(state))
        atomic_fetch_or(&state->header->flags, LEDGER_FORKS);
    capture_before_fork();
}

static void in_forked_child(void)
{
    /* Where the kernel (before 4.14) did not wipe it.  What is left in the
     * indexes then is stale, which they bear. */
    if (shim_state != &fallback_state && atomic_load(&shim_state->ready) != SHIM_NEW)
        memset(shim_state, 0, sizeof(*shim_state));
    capture_in_child();
    shim_attach();
}

void shim_start(void)
{
    static _Atomic uint32_t started;
    if (atomic_exchange(&started, 1))
        return;
    struct guard guard = guard_enter();
    real_resolve();
    remember_stderr();
    read_environment();
    leave_children_alone();
    find_reporter();
    find_exe();
    find_offsets();
    find_default_attributes();
    thread_end_start();
    make_state();
    brought_exported();
    capture_start();
    present_start();
    pthread_atfork(before_fork, NULL, in_forked_child);
    finish_start();
    guard_leave(guard);
}

/* follow=0: a child that was forked is not watched. */
bool shim_is_wanted(void)
{
    static pid_t first;
    pid_t own = (pid_t)SYS0(getpid);
    if (first == 0)
        first = own;
    return own == first || shim_config.options.follow;
}

static bool begin_process(struct shim_state *state)
{
    char *memory = (char *)state + state_size();
    index_init(&state->raw, memory, SITE_LEVELS);
    index_init(&state->settled, memory + index_bytes(SITE_LEVELS), SITE_LEVELS);
    state->recall = memory + 2 * index_bytes(SITE_LEVELS);
    if (!ledger_map(state))
        return false;
    brought_to_ledger(state);
    return true;
}

struct shim_state *shim_attach(void)
{
    if (!shim_state)
        shim_start();
    struct shim_state *state = shim_state;
    uint32_t expected = SHIM_NEW;
    if (!state) /* another thread, or a constructor we called, is in shim_start */
        return NULL;
    if (atomic_compare_exchange_strong(&state->ready, &expected, SHIM_BUSY)) {
        struct guard guard = guard_enter();
        bool mapped = !shim_config.sandboxed && shim_is_wanted() && begin_process(state);
        shim_tls.slot = NULL;
        shim_tls.serial = 0;
        shim_tls.epoch = 0; /* learned anew */
        atomic_store_explicit(&state->ready, mapped ? SHIM_READY : SHIM_FAILED, memory_order_release);
        guard_leave(guard);
    }
    return atomic_load_explicit(&state->ready, memory_order_acquire) == SHIM_READY ? state : NULL;
}

bool shim_is_own_process(const struct shim_state *state)
{
    return shim_config.sandboxed == SANDBOX_SURE || (pid_t)SYS0(getpid) == state->pid;
}

int32_t shim_own_tid(void)
{
    if (shim_config.tid_offset < 0)
        return (int32_t)SYS0(gettid);
    return *(const int32_t *)((const char *)pthread_self() + shim_config.tid_offset);
}

__attribute__((constructor)) static void start(void)
{
    shim_start();
    shim_attach();
}
