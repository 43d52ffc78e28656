/*
 * Ends by abort(), and calls of it that end nothing. Without the shim and with it, each has the same status
 * and prints the same.
 *
 *   aborts WHAT
 */
#include "target.h"
#include <sys/auxv.h>
#undef NDEBUG
#include <assert.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static NOINLINE void give_up(void)
{
    abort();
}

static void *give_up_there(void *arg)
{
    (void)arg;
    give_up();
    return NULL;
}

static void keep_threads(void)
{
    start(stay, NULL);
    start(stay, NULL);
    await_ready(2);
}

static void on(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    CHECK(sigaction(number, &action, NULL) == 0);
}

/* ---- with threads --------------------------------------------------------------------- */

static void in_main(void)
{
    keep_threads();
    give_up();
}

static void in_thread(void)
{
    keep_threads();
    start(give_up_there, NULL);
    pause();
}

static void finished_thread(void)
{
    start_and_see_finish();
    give_up();
}

static void assertion(void)
{
    keep_threads();
    assert(getpid() == 1 && "a message");
}

static void assertion_errno(void)
{
    keep_threads();
    assert_perror(ENOENT);
}

static void assertion_old(void)
{
    extern void __assert(const char *, const char *, int);
    keep_threads();
    __assert("an old message", "old.c", 7);
}

static void many(void)
{
    for (int i = 0; i < 8; i++)
        start(give_up_there, NULL);
    for (;;)
        pause();
}

static _Atomic pid_t aborting;

static void *give_up_at_once(void *arg)
{
    aborting = (pid_t)syscall(SYS_gettid);
    give_up();
    return arg;
}

static char state_of(pid_t tid)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    FILE *file = tid ? fopen(path, "re") : NULL;
    if (!file)
        return 0;
    if (!fgets(text, sizeof(text), file))
        text[0] = 0;
    fclose(file);
    const char *end = strrchr(text, ')');
    return end ? end[2] : 0;
}

/* The other thread sleeps only while its abort is reported. */
static void exit_meanwhile(void)
{
    keep_threads();
    start(give_up_at_once, NULL);
    while (state_of(aborting) != 'S')
        continue;
    exit(0);
}

static void small_stack(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    keep_threads();
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)) == 0);
    CHECK(pthread_create(&thread, &attributes, give_up_there, NULL) == 0);
    pause();
}

static void give_up_last(void *arg)
{
    (void)arg;
    give_up();
}

static void *cancelled(void *arg)
{
    (void)arg;
    pthread_cleanup_push(give_up_last, NULL);
    sem_post(&ready);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return NULL;
}

static void in_cancellation(void)
{
    keep_threads();
    pthread_t thread = start(cancelled, NULL);
    await_ready(1);
    CHECK(pthread_cancel(thread) == 0);
    pause();
}

static pthread_key_t key;

static void *with_key(void *arg)
{
    CHECK(pthread_setspecific(key, &key) == 0);
    return arg;
}

static void in_destructor(void)
{
    keep_threads();
    CHECK(pthread_key_create(&key, give_up_last) == 0);
    start(with_key, NULL);
    pause();
}

static void fault(void)
{
    *(volatile int *)8 = 1;
}

static void fault_in_atexit(void)
{
    keep_threads();
    CHECK(atexit(fault) == 0);
    exit(4);
}

static void in_atexit(void)
{
    keep_threads();
    CHECK(atexit(give_up) == 0);
    exit(4);
}

/* ---- signals ------------------------------------------------------------------------------ */

static void on_signal(int number)
{
    (void)number;
    give_up();
}

static void in_handler(void)
{
    keep_threads();
    on(SIGUSR1, on_signal, 0);
    raise(SIGUSR1);
}

static void on_small_stack(void)
{
    /* AT_MINSIGSTKSZ, and 6144 for the loader's part of the first call of abort() */
    size_t size = (size_t)getauxval(51) + 6144;
    stack_t stack = {.ss_sp = malloc(size), .ss_size = size};
    keep_threads();
    CHECK(sigaltstack(&stack, NULL) == 0);
    on(SIGUSR1, on_signal, SA_ONSTACK);
    raise(SIGUSR1);
}

static void after_fault(void)
{
    keep_threads();
    on(SIGSEGV, on_signal, 0);
    fault();
}

static void say(int number)
{
    (void)number;
    CHECK(write(2, "in the handler\n", 15) == 15);
}

static void handler_returns(void)
{
    keep_threads();
    on(SIGABRT, say, 0);
    give_up();
}

static void leave_now(int number)
{
    (void)number;
    _exit(7);
}

static void handler_leaves(void)
{
    keep_threads();
    on(SIGABRT, leave_now, 0);
    give_up();
}

static void handler_aborts(void)
{
    keep_threads();
    on(SIGABRT, on_signal, SA_NODEFER);
    on(SIGABRT, on_signal, SA_NODEFER | SA_RESETHAND);
    give_up();
}

static sigjmp_buf back;

static void jump(int number)
{
    (void)number;
    siglongjmp(back, 1);
}

/* A test of a program that is expected to abort. */
static void survive(void)
{
    on(SIGABRT, jump, 0);
    if (sigsetjmp(back, 1) == 0)
        give_up();
}

static void handler_jumps(void)
{
    keep_threads();
    survive();
    survive();
    syscall(SYS_exit_group, 5);
}

static void handler_jumps_then_exit(void)
{
    sem_t end;
    CHECK(sem_init(&end, 0, 0) == 0);
    pthread_t thread = start(stay_until, &end);
    survive();
    CHECK(sem_post(&end) == 0 && pthread_join(thread, NULL) == 0);
    exit(0);
}

static void handler_jumps_then_dies(void)
{
    keep_threads();
    survive();
    raise(SIGTERM);
}

static void blocked(void)
{
    sigset_t set;
    keep_threads();
    CHECK(sigemptyset(&set) == 0 && sigaddset(&set, SIGABRT) == 0);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    give_up();
}

static void ignored(void)
{
    keep_threads();
    on(SIGABRT, SIG_IGN, 0);
    give_up();
}

/* ---- without threads, and children -------------------------------------------------------------- */

static void no_thread(void)
{
    give_up();
}

static void joined(void)
{
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    give_up();
}

static void end_as(pid_t child)
{
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    syscall(SYS_exit_group, WTERMSIG(status));
}

static void in_child(void)
{
    keep_threads();
    pid_t child = fork();
    if (child == 0)
        give_up();
    end_as(child);
}

static void in_child_with_threads(void)
{
    keep_threads();
    pid_t child = fork();
    if (child == 0)
        in_main();
    end_as(child);
}

static void in_vfork_child(void)
{
    keep_threads();
    pid_t child = vfork();
    if (child == 0)
        give_up();
    end_as(child);
}

static void *fork_for_ever(void *arg)
{
    sem_post(&ready);
    for (;;) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child > 0)
            waitpid(child, NULL, 0);
    }
    return arg;
}

static void fork_storm(void)
{
    start(fork_for_ever, NULL);
    start(fork_for_ever, NULL);
    await_ready(2);
    give_up();
}

/* ---- limits and sandboxes -------------------------------------------------------------------------- */

static void limit(int resource, rlim_t value)
{
    const struct rlimit wanted = {value, value};
    CHECK(setrlimit(resource, &wanted) == 0);
}

static void no_descriptors(void)
{
    keep_threads();
    limit(RLIMIT_NOFILE, 0);
    give_up();
}

static void no_memory(void)
{
    keep_threads();
    limit(RLIMIT_AS, 1);
    give_up();
}

static void closed_stderr(void)
{
    keep_threads();
    CHECK(close(2) == 0);
    give_up();
}

#define ALLOW(name) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* It allows what libc needs to abort. */
static void sandbox(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(write),
        ALLOW(futex),
        ALLOW(getpid),
        ALLOW(gettid),
        ALLOW(tgkill),
        ALLOW(rt_sigprocmask),
        ALLOW(rt_sigaction),
        ALLOW(rt_sigreturn),
        ALLOW(restart_syscall),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
    keep_threads();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        SKIP("no seccomp here");
    give_up();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = {
#define WAY(name) {#name, name}
        WAY(in_main),
        WAY(in_thread),
        WAY(finished_thread),
        WAY(assertion),
        WAY(assertion_errno),
        WAY(assertion_old),
        WAY(many),
        WAY(exit_meanwhile),
        WAY(small_stack),
        WAY(in_cancellation),
        WAY(in_destructor),
        WAY(in_atexit),
        WAY(fault_in_atexit),
        WAY(in_handler),
        WAY(on_small_stack),
        WAY(after_fault),
        WAY(handler_returns),
        WAY(handler_leaves),
        WAY(handler_aborts),
        WAY(handler_jumps),
        WAY(handler_jumps_then_exit),
        WAY(handler_jumps_then_dies),
        WAY(blocked),
        WAY(ignored),
        WAY(no_thread),
        WAY(joined),
        WAY(in_child),
        WAY(in_child_with_threads),
        WAY(in_vfork_child),
        WAY(fork_storm),
        WAY(no_descriptors),
        WAY(no_memory),
        WAY(closed_stderr),
        WAY(sandbox),
    };
    CHECK(argc >= 2);
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        if (strcmp(argv[1], "list") == 0)
            puts(ways[i].name);
        else if (strcmp(argv[1], ways[i].name) == 0)
            ways[i].run();
    }
    return strcmp(argv[1], "list") == 0 ? 0 : 3;
}
