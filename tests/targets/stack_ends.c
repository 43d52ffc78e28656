/* Creates a thread where little is left of the stack, after a library was unloaded through
 * which one was created.  That stack does not overflow. */
#include <dlfcn.h>
#include <libgen.h>

#include "target.h"

#define LEFT 4600

static char *lowest;

static NOINLINE void create(void)
{
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
}

static NOINLINE void create_at_end(void)
{
    volatile char frame[64];
    frame[0] = 0;
    if ((char *)__builtin_frame_address(0) - lowest > LEFT)
        create_at_end();
    else
        create();
    (void)frame[0];
}

static void *go_down(void *arg)
{
    pthread_attr_t attr;
    void *stack;
    size_t size;
    CHECK(pthread_getattr_np(pthread_self(), &attr) == 0);
    CHECK(pthread_attr_getstack(&attr, &stack, &size) == 0);
    CHECK(pthread_attr_destroy(&attr) == 0);
    lowest = stack;
    create_at_end();
    return arg;
}

int main(int argc, char **argv)
{
    char path[4096];
    void (*call_back)(void (*)(void));
    CHECK(argc == 1);
    snprintf(path, sizeof(path), "%s/libframe_small.so", dirname(argv[0]));
    void *library = dlopen(path, RTLD_NOW);
    CHECK(library);
    *(void **)&call_back = dlsym(library, "call_back");
    CHECK(call_back);
    call_back(create);
    CHECK(dlclose(library) == 0);
    CHECK(pthread_join(start(go_down, NULL), NULL) == 0);
    return 0;
}
