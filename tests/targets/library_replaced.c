/*
 * Creates a thread through a library, unloads that, and creates one through another library
 * at the same address, with larger frames.  Both backtraces must be right.
 */
#include <dlfcn.h>
#include <libgen.h>

#include "target.h"

static NOINLINE void create(void)
{
    start(stay, NULL);
}

static NOINLINE void *create_through(const char *directory, const char *name)
{
    char path[4096];
    void (*call_back)(void (*)(void));
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    void *library = dlopen(path, RTLD_NOW);
    CHECK(library);
    *(void **)&call_back = dlsym(library, "call_back");
    CHECK(call_back);
    call_back(create);
    CHECK(dlclose(library) == 0);
    CHECK(!dlopen(path, RTLD_NOW | RTLD_NOLOAD));
    return (void *)call_back;
}

int main(int argc, char **argv)
{
    const char *directory = dirname(argv[0]);
    CHECK(argc == 3);
    void *small = create_through(directory, argv[1]);
    void *large = create_through(directory, argv[2]);
    if (small != large)
        SKIP("the second library is at another address");
    await_ready(2);
    return 0;
}
