/*
 * Threads that are joined, detached or ended past every hook: by functions found in libc, and by the system
 * call exit.  None of those is a leak, apart from the joinable ones of raw_exit.
 *
 *   unseen WHAT [forked]   and it waits for the end of its input, if WHAT ends with a "+"
 *
 * forked: in a child of a process that has a thread which no hook saw.
 */
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "asleep.h"
#include "target.h"

static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static int (*join)(pthread_t, void **);
static int (*detach)(pthread_t);
static sem_t go;

static void find(void)
{
    void *libc = dlopen("libc.so.6", RTLD_LAZY);
    create = libc ? (__typeof__(create))dlsym(libc, "pthread_create") : NULL;
    join = libc ? (__typeof__(join))dlsym(libc, "pthread_join") : NULL;
    detach = libc ? (__typeof__(detach))dlsym(libc, "pthread_detach") : NULL;
    if (!create || !join || !detach)
        SKIP("no pthread_join in libc.so.6");
}

static void go_on_in_child(void)
{
    pthread_t thread;
    int status;
    CHECK(create(&thread, NULL, stay_until, &go) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        return;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK(sem_post(&go) == 0 && join(thread, NULL) == 0);
    exit(WEXITSTATUS(status));
}

static void *leave_by_call(void *tid)
{
    finish(tid);
    syscall(SYS_exit, 0);
    return NULL;
}

static void join_one(void)
{
    CHECK(join(start(nothing, NULL), NULL) == 0);
}

/* Each gets the handle of the one before. */
static void join_four(void)
{
    for (int i = 0; i < 4; i++)
        join_one();
}

/* The cache of glibc does not keep stacks of this size: it unmaps the descriptor. */
static void join_large(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    CHECK(pthread_attr_init(&attr) == 0);
    CHECK(pthread_attr_setstacksize(&attr, 256u << 20) == 0);
    CHECK(pthread_create(&thread, &attr, nothing, NULL) == 0);
    CHECK(join(thread, NULL) == 0);
}

/* The program gives the memory another use. */
static void join_own_stack(void)
{
    size_t size = 1u << 20;
    pthread_attr_t attr;
    pthread_t thread;
    void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    CHECK(pthread_attr_init(&attr) == 0);
    CHECK(pthread_attr_setstack(&attr, stack, size) == 0);
    CHECK(pthread_create(&thread, &attr, nothing, NULL) == 0);
    CHECK(join(thread, NULL) == 0);
    memset(stack, 0, size);
}

static void detach_alive(void)
{
    CHECK(detach(start(stay, NULL)) == 0);
    await_ready(1);
}

static void detach_ending(void)
{
    pid_t tid;
    CHECK(detach(start(stay_until, &go)) == 0);
    CHECK(sem_post(&go) == 0);
    CHECK(detach(start(finish, &tid)) == 0);
    await_ready(1);
    await_gone(tid);
}

static void detach_ended(void)
{
    CHECK(detach(start_and_see_finish()) == 0);
}

static pthread_t exit_by_call(void)
{
    static pid_t tid;
    pthread_t thread = start(leave_by_call, &tid);
    await_ready(1);
    await_gone(tid);
    return thread;
}

static void raw_exit(void)
{
    exit_by_call();
    CHECK(pthread_detach(start(leave_by_call, NULL)) == 0);
    await_ready(1);
}

static void raw_exit_detached(void)
{
    CHECK(pthread_detach(exit_by_call()) == 0);
}

static void raw_exit_joined(void)
{
    CHECK(join(exit_by_call(), NULL) == 0);
}

static const struct {
    const char *name;
    void (*run)(void);
} all[] = {
    {"join_one", join_one},
    {"join_four", join_four},
    {"join_large", join_large},
    {"join_own_stack", join_own_stack},
    {"detach_alive", detach_alive},
    {"detach_ending", detach_ending},
    {"detach_ended", detach_ended},
    {"raw_exit", raw_exit},
    {"raw_exit_detached", raw_exit_detached},
    {"raw_exit_joined", raw_exit_joined},
};

int main(int argc, char **argv)
{
    CHECK(argc == 2 || (argc == 3 && strcmp(argv[2], "forked") == 0));
    size_t length = strcspn(argv[1], "+");
    char byte;
    find();
    if (argc == 3)
        go_on_in_child();
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (strlen(all[i].name) == length && !strncmp(all[i].name, argv[1], length)) {
            all[i].run();
            if (!argv[1][length])
                return 0;
            if (all[i].run != detach_alive)
                await_alone();
            CHECK(printf("up\n") == 3 && fflush(stdout) == 0);
            CHECK(read(0, &byte, 1) == 0);
            syscall(SYS_exit_group, 0);
        }
    return 2;
}
