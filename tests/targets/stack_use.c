/* Prints how many bytes of stack each hooked function needs: the test compares them with those without the
 * shim. */
#include <dlfcn.h>
#include <limits.h>
#include <sys/mman.h>

#include "target.h"

#define SIZE 65536 /* of the stack; less than where the shim unwinds */
#define PAINT 0xa5

static unsigned char *bottom;
static unsigned char *here; /* where the painted part ends */

static NOINLINE void paint(void)
{
    here = (unsigned char *)__builtin_frame_address(0) - 512;
    for (volatile unsigned char *at = bottom; at < here; at++)
        *at = PAINT;
}

static NOINLINE int used(void)
{
    unsigned char *at = bottom;
    while (at < here && *at == PAINT)
        at++;
    return (int)(here - at);
}

static void create_join(void)
{
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
}

static void create_detach(void)
{
    CHECK(pthread_detach(start(nothing, NULL)) == 0);
}

static void failed_exec(void)
{
    char *arguments[] = {"nothing", NULL};
    CHECK(execv("/nonexistent", arguments) != 0);
}

static void change_signal(void)
{
    CHECK(signal(SIGUSR1, SIG_IGN) == SIG_DFL && signal(SIGUSR1, SIG_DFL) == SIG_IGN);
}

static void keys(void)
{
    pthread_key_t key;
    CHECK(pthread_key_create(&key, free) == 0 && pthread_key_delete(key) == 0);
}

static void name(void)
{
    CHECK(pthread_setname_np(pthread_self(), "name") == 0);
}

static void close_library(void)
{
    static void *handle;
    if (!handle)
        handle = dlopen("libc.so.6", RTLD_NOW);
    CHECK(dlclose(handle) == 0 && (handle = dlopen("libc.so.6", RTLD_NOW)));
}

static void show(const char *what, void (*function)(void))
{
    paint();
    function();
    printf("%s %d\n", what, used());
}

/* In the child, then in the parent. */
static void show_fork(void)
{
    int status;
    paint();
    pid_t child = fork();
    if (child == 0) {
        int bytes = used();
        printf("child %d\n", bytes);
        show("create in child", create_join);
        fflush(stdout);
        _exit(0);
    }
    printf("fork %d\n", used());
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void *work(void *arg)
{
    show("create and join", create_join);
    show("create and detach", create_detach);
    show("failed exec", failed_exec);
    show("signal", change_signal);
    show("keys", keys);
    show("name", name);
    show("dlclose", close_library);
    fflush(stdout);
    show_fork();
    return arg;
}

int main(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    bottom = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(bottom != MAP_FAILED);
    CHECK(pthread_attr_init(&attr) == 0 && pthread_attr_setstack(&attr, bottom, SIZE) == 0);
    CHECK(pthread_create(&thread, &attr, work, NULL) == 0 && pthread_join(thread, NULL) == 0);
    return 0;
}
