#include "preload/options/settings.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "preload/ledger/maps.h"
#include "preload/options/registered.h"
#include "preload/shim/guard.h"
#include "preload/shim/next.h"
#include "preload/shim/say.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"
#include "common/run_protocol.h"

/* ---- the environment ----------------------------------------------------------- */

static void warn_option(void *arg, const char *line)
{
    (void)arg;
    shim_say(line);
}

/* help=1: "key=default  meaning" */
static void say_keys(void)
{
    const struct options_key *key;
    for (unsigned n = 0; (key = options_key(n)); n++) {
        char line[160];
        struct text text = text_in(line, sizeof(line));
        text_print(&text, "%s=%s", key->name, key->initial);
        do
            text_string(&text, " ");
        while (text.length < 34);
        text_string(&text, key->help);
        shim_say(line);
    }
}

/* The program can change them later. */
static void find_test_variables(void)
{
    struct text lines = text_in(shim_config.test_variables, TEST_VARIABLES_SIZE);
    for (const char *name = TEST_VARIABLES; *name; name += strlen(name) + 1) {
        const char *value = getenv(name);
        if (value)
            text_print(&lines, "%s=%s\n", name, value);
    }
}

static void read_environment(void)
{
    const char *text = getenv("THREADLEAK_OPTIONS");
    const char *dir = getenv(LEDGER_RUN_ENV);

    /* valgrind has an entry in LD_PRELOAD. */
    const char *preload = getenv("LD_PRELOAD");
    shim_config.no_reporter = preload && strstr(preload, "vgpreload_");
    options_defaults_in_zeros(&shim_config.options);
    options_parse(&shim_config.options, registered_environment(text), warn_option, NULL);
    find_test_variables();
    struct text run_dir = text_in(shim_config.run_dir, sizeof(shim_config.run_dir));
    if (dir && *dir == '/')
        text_string(&run_dir, dir);
    if (run_dir.overflow)
        shim_config.run_dir[0] = 0;
    if (shim_config.options.help)
        say_keys();
}

/* follow=0: children start without the shim.  The program can have other entries in the
 * variable. */
static void remove_from_preload(void)
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

/* The program can change its working directory. */
static void find_library(void)
{
    shim_config.library = next_own_path();
    for (size_t i = 0; shim_config.library[i]; i++)
        if (shim_config.library[i] == '/')
            shim_config.directory = i + 1;
    if (*shim_config.library == '/')
        return;
    long n = SYS2(getcwd, shim_config.started_in, sizeof(shim_config.started_in) - 1);
    if (n > 0)
        shim_config.started_in[n - 1] = '/';
}

/* ---- the program and its libc ---------------------------------------------------------- */

/* The offset of a field of struct pthread, from glibc's interface to debuggers (nptl_db); or -1. */
static int32_t pthread_field(const char *symbol, uint32_t bits)
{
    const uint32_t *field = next_in_libc(symbol); /* bits, count, offset */
    return field && field[0] == bits && field[1] == 1 && field[2] < 4096 ? (int32_t)field[2] : -1;
}

#ifdef __x86_64__
#define TID_BEFORE_2_34 0x2d0
#else
#define TID_BEFORE_2_34 0xd0
#endif

/* Before glibc 2.34, the loader does not know that symbol, but the offset was the same since 2.17. */
#ifdef __GLIBC__
static int32_t offset_of_tid(const char *self, int32_t tid)
{
    int32_t offset = pthread_field("_thread_db_pthread_tid", 32);
    (void)self, (void)tid;
    return offset >= 0 ? offset : TID_BEFORE_2_34;
}
#else
/* musl's struct pthread begins with pointers; then come the tid and other numbers. */
static int32_t offset_of_tid(const char *self, int32_t tid)
{
    for (int32_t offset = 0; offset < 128; offset += (int32_t)sizeof(tid))
        if (*(const int32_t *)(self + offset) == tid)
            return offset;
    return -1;
}
#endif

static void find_offsets(void)
{
    const char *self = (const char *)pthread_self();
    shim_config.start_offset = pthread_field("_thread_db_pthread_start_routine", 64);
    shim_config.tls_offset = (int32_t)((const char *)&shim_tls - self);
    /* Trusts the offset only if this thread's tid is there. */
    int32_t tid = (int32_t)SYS0(gettid), offset = offset_of_tid(self, tid);
    bool is_there = offset >= 0 && *(const int32_t *)(self + offset) == tid;
    shim_config.tid_offset = is_there ? offset : -1;
}

/* libc writes it into the descriptor at a thread's start and at its own forks. A child of the system call has
 * that of its parent. */
static void check_own_tid(void)
{
    int32_t known = *(const int32_t *)((const char *)pthread_self() + shim_config.tid_offset);
    shim_config.fresh_tid = (int32_t)SYS0(gettid);
    shim_config.stale_tid = shim_config.tid_offset > 0 && known != shim_config.fresh_tid ? known : 0;
    shim_config.stale_thread = (uint64_t)pthread_self();
}

static void find_default_attributes(void)
{
    struct rlimit limit = {0};
    /* glibc's default size of a stack. */
    if (SYS4(prlimit64, 0, RLIMIT_STACK, NULL, &limit) == 0)
        shim_config.default_small = limit.rlim_cur < SMALL_STACK;
}

/* The last step makes the directory of the process in /proc, which costs as much as two page faults. */
void settings_look_up(void)
{
    if (*shim_config.exe) {
        check_own_tid();
        return;
    }
    find_offsets();
    long n = SYS4(readlinkat, AT_FDCWD, "/proc/self/exe", shim_config.exe, sizeof(shim_config.exe) - 1);
    shim_config.exe[n > 0 ? n : 0] = 0;
    maps_remove_deleted(shim_config.exe); /* perhaps since the start of the program */
}

void settings_find(void)
{
    struct timespec now = {0, 0};
    SYS2(clock_gettime, CLOCK_MONOTONIC, &now); /* the vdso would cost two page faults */
    shim_config.started_ns = (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
    read_environment();
    remove_from_preload();
    find_library();
    find_default_attributes();
}

/* ---- exported functions ---------------------------------------------------------------- */

/* These are weak symbols, because a failed dlsym() allocates memory. */
const char *__threadleak_default_options(void) __attribute__((weak, visibility("default")));
const char *__threadleak_default_suppressions(void) __attribute__((weak, visibility("default")));

void settings_exported(void)
{
    const char *options = __threadleak_default_options ? __threadleak_default_options() : NULL;
    const char *text = __threadleak_default_suppressions ? __threadleak_default_suppressions() : NULL;
    if (options)
        register_default_options("__threadleak_default_options", options);
    if (text)
        register_rules("__threadleak_default_suppressions", text);
}
