/*
 * Creates a thread through a library, unloads that, and creates one through another library
 * at the same address, with larger frames.  Both backtraces must be right, also if the first
 * library is not in the ledger: since it is deeper in the backtrace than is recorded, since
 * its path is too long, or since only the program itself has unwound it.
 */
#include <dlfcn.h>
#include <libgen.h>

#include "target.h"

static int frames_above;

static NOINLINE void create_below(int frames)
{
    if (frames > 0)
        create_below(frames - 1);
    else
        start(stay, NULL);
    __asm__ volatile("");
}

static NOINLINE void create(void)
{
    create_below(frames_above);
}

static NOINLINE void unwind(void)
{
    int (*backtrace)(void **, int);
    void *frames[32];
    *(void **)&backtrace = dlsym(RTLD_DEFAULT, "unw_backtrace");
    CHECK(backtrace && backtrace(frames, 32) > 0);
}

static void (*in_library)(void) = create;

static NOINLINE void *create_through(const char *directory, int detours, const char *name)
{
    char path[4096];
    void (*call_back)(void (*)(void));
    int length = snprintf(path, sizeof(path), "%s/", directory);
    while (detours-- > 0)
        length += snprintf(path + length, sizeof(path) - (size_t)length, "./");
    snprintf(path + length, sizeof(path) - (size_t)length, "%s", name);
    void *library = dlopen(path, RTLD_NOW);
    CHECK(library);
    *(void **)&call_back = dlsym(library, "call_back");
    CHECK(call_back);
    call_back(in_library);
    CHECK(dlclose(library) == 0);
    CHECK(!dlopen(path, RTLD_NOW | RTLD_NOLOAD));
    return (void *)call_back;
}

int main(int argc, char **argv)
{
    const char *directory = dirname(argv[0]);
    CHECK(argc >= 3);
    const char *first = argc > 3 ? argv[3] : "";
    frames_above = strcmp(first, "deep") == 0 ? 7 : 0;
    in_library = strcmp(first, "unwound") == 0 ? unwind : create;
    void *small = create_through(directory, strcmp(first, "far") == 0 ? 300 : 0, argv[1]);
    frames_above = 0;
    in_library = create;
    void *large = create_through(directory, 0, argv[2]);
    if (small != large)
        SKIP("the second library is at another address");
    await_ready(strcmp(first, "unwound") == 0 ? 1 : 2);
    return 0;
}
