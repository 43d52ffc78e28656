/*
 * Creates a thread through a library, unloads that, and creates one through another library
 * at the same address, with larger frames.  Both backtraces must be right, also if the first
 * library is not in the ledger: since it is deeper in the backtrace than is recorded, or
 * since its path is too long.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <stdbool.h>

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
    call_back(create);
    CHECK(dlclose(library) == 0);
    CHECK(!dlopen(path, RTLD_NOW | RTLD_NOLOAD));
    return (void *)call_back;
}

int main(int argc, char **argv)
{
    const char *directory = dirname(argv[0]);
    CHECK(argc >= 3);
    bool deep = argc > 3 && strcmp(argv[3], "deep") == 0, far = argc > 3 && strcmp(argv[3], "far") == 0;
    frames_above = deep ? 7 : 0;
    void *small = create_through(directory, far ? 300 : 0, argv[1]);
    frames_above = 0;
    void *large = create_through(directory, 0, argv[2]);
    if (small != large)
        SKIP("the second library is at another address");
    await_ready(2);
    return 0;
}
