/*
 * Threads for check_self_capture: THREADS of each kind in KINDS, then "ready\n";
 * a line on standard input is a command, the end of it is the end.
 *   self_capture KINDS THREADS
 * Kinds: f futex wait through f3 f2 f1 f0, b the same with every signal blocked,
 * w sigwait() for every signal, r runs, c creates and joins, s on a small stack,
 * a has an alternate stack of 8 KiB, m one of the smallest size, l waits in a
 * dlopen'ed constructor, u is in the vdso, x in a handler of the program's, o on a
 * coroutine's stack with no spare space.
 */
#include "attributes.h"

#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static sem_t never, reached;
static atomic_int stop;
static atomic_int spinning;
static volatile int sink;
static sigset_t every;
static char *areas[1024];
static atomic_int area_count;

OPAQUE static void f3(int how)
{
    struct timespec now;
    if (how != 'r') /* which must be in this function during the request, and not in that one */
        sem_post(&reached);
    if (how == 'r')
        for (atomic_fetch_add(&spinning, 1); !atomic_load(&stop);)
            sink++;
    else if (how == 'u')
        while (!atomic_load(&stop))
            clock_gettime(CLOCK_MONOTONIC, &now);
    else if (how == 'w')
        for (int number; sigwait(&every, &number) == 0;)
            sink = number, printf("sigwait %d\n", number), fflush(stdout);
    else
        while (sem_wait(&never) != 0)
            sink++;
    sink++;
}

OPAQUE static void f2(int how)
{
    f3(how);
    sink++;
}

OPAQUE static void f1(int how)
{
    f2(how);
    sink++;
}

OPAQUE static void *f0(void *arg)
{
    f1((int)(long)arg);
    sink++;
    return NULL;
}

static void *blocked(void *arg)
{
    pthread_sigmask(SIG_BLOCK, &every, NULL);
    return f0(arg);
}

#define BELOW 4096 /* what lies there is not to be touched */
static void *alternate(void *arg)
{
    size_t size = (long)arg == 'a' ? 8192 : getauxval(AT_MINSIGSTKSZ);
    size = size < 2048 ? 2048 : size;
    char *memory = malloc(size + BELOW);
    memset(memory, 0x5a, BELOW);
    stack_t stack = {.ss_sp = memory + BELOW, .ss_size = size};
    sigaltstack(&stack, NULL);
    areas[atomic_fetch_add(&area_count, 1)] = memory;
    return f0(arg);
}

#define LITTLE 2560
struct coroutine {
    ucontext_t outer, inner;
};

static void run_coroutine(void)
{
    f0((void *)(long)'o');
}

static void *switches(void *arg)
{
    struct coroutine *coroutine = arg = malloc(sizeof(*coroutine));
    char *memory = malloc(BELOW + LITTLE);
    memset(memory, 0x5a, BELOW);
    areas[atomic_fetch_add(&area_count, 1)] = memory;
    getcontext(&coroutine->inner);
    coroutine->inner.uc_stack.ss_sp = memory + BELOW;
    coroutine->inner.uc_stack.ss_size = LITTLE;
    coroutine->inner.uc_link = &coroutine->outer;
    makecontext(&coroutine->inner, run_coroutine, 0);
    swapcontext(&coroutine->outer, &coroutine->inner);
    return arg;
}

static void check_areas(void)
{
    for (int i = 0; i < area_count; i++)
        for (int byte = 0; byte < BELOW; byte++)
            if (areas[i][byte] != 0x5a) {
                puts("overrun");
                return;
            }
}

static void on_user_signal(int number)
{
    (void)number;
    f3('f');
}

static void *handles(void *arg)
{
    (void)arg;
    pthread_kill(pthread_self(), SIGUSR1);
    return NULL;
}

static void *nothing(void *arg)
{
    return arg;
}

static void *creates(void *arg)
{
    (void)arg;
    sem_post(&reached);
    while (!atomic_load(&stop)) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL) == 0)
            pthread_join(thread, NULL);
    }
    return NULL;
}

/* The library's constructor calls this one. */
void constructor_waits(void);
__attribute__((visibility("default"))) void constructor_waits(void)
{
    f1('l');
}

static void *opens(void *arg)
{
    if (!dlopen(arg ? "libwaits.so" : NULL, RTLD_NOW))
        puts(dlerror());
    return NULL;
}

static void start(int kind)
{
    pthread_t thread;
    pthread_attr_t attr;
    void *(*run)(void *) = kind == 'b' || kind == 'w'   ? blocked
                           : kind == 'a' || kind == 'm' ? alternate
                           : kind == 'c'                ? creates
                           : kind == 'l'                ? opens
                           : kind == 'x'                ? handles
                           : kind == 'o'                ? switches
                                                        : f0;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, kind == 's' ? (size_t)sysconf(_SC_THREAD_STACK_MIN) : 262144);
    int before = atomic_load(&spinning);
    if (pthread_create(&thread, &attr, run, (void *)(long)kind) != 0)
        exit(3);
    if (kind == 'r')
        while (atomic_load(&spinning) == before)
            usleep(100);
    else
        while (sem_wait(&reached) != 0)
            ;
}

static void on_quiet_signal(int number)
{
    sink = number;
}

static void on_own_signal(int number)
{
    printf("own handler %d\n", number);
    fflush(stdout);
}

/* The shim does not see calls of libc's own function. */
static void enter_sandbox(void)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    long (*unseen)(long, ...) = (long (*)(long, ...))dlsym(dlopen("libc.so.6", RTLD_NOW), "syscall");
    unseen(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    unseen(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

/* "take N", "default N", "ignore N": sigaction; "signal N": signal(2) of libc;
 * "quiet N": a handler
 * that says nothing; "ask N": what the program sees; "kill N";
 * "seccomp": a filter; "areas": was anything written below an alternate stack;
 * "fork": a child with a thread of its own. */
static void obey(const char *line)
{
    char verb[16];
    int number = 0;
    struct sigaction action = {.sa_handler = on_own_signal}, old;

    if (sscanf(line, "%15s %d", verb, &number) < 1)
        return;
    if (strcmp(verb, "quiet") == 0)
        action = (struct sigaction){.sa_handler = on_quiet_signal, .sa_flags = SA_RESTART};
    if (strcmp(verb, "default") == 0)
        action.sa_handler = SIG_DFL;
    if (strcmp(verb, "ignore") == 0)
        action.sa_handler = SIG_IGN;
    if (strcmp(verb, "signal") == 0)
        printf("was %d\n", signal(number, on_own_signal) == SIG_DFL);
    else if (strcmp(verb, "kill") == 0)
        kill(getpid(), number);
    else if (strcmp(verb, "ask") == 0 && sigaction(number, NULL, &old) == 0)
        printf("is %d\n", old.sa_handler == SIG_DFL && old.sa_flags == 0);
    else if (strcmp(verb, "seccomp") == 0)
        enter_sandbox();
    else if (strcmp(verb, "areas") == 0)
        check_areas();
    else if (strcmp(verb, "fork") == 0) {
        if (fork() == 0) {
            start('f');
            for (;;)
                pause();
        }
    } else if (sigaction(number, &action, &old) == 0)
        printf("was %d\n", old.sa_handler == SIG_DFL && old.sa_flags == 0);
    puts("done");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char line[64];
    int count = argc > 2 ? atoi(argv[2]) : 1;

    setvbuf(stdin, NULL, _IONBF, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sem_init(&never, 0, 0);
    sem_init(&reached, 0, 0);
    sigfillset(&every);
    struct sigaction action = {.sa_handler = on_user_signal};
    sigaction(SIGUSR1, &action, NULL);
    if (argc > 3)
        obey(argv[3]);
    for (const char *kind = argc > 1 ? argv[1] : ""; *kind; kind++)
        for (int i = 0; i < count; i++)
            start(*kind);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin))
        obey(line);
    atomic_store(&stop, 1);
    _exit(0);
}
