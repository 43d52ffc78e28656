/*
 * Two threads unload a library each, through which threads were created.  One of them is in
 * the shim's dlclose while the other library is unloaded.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <stdbool.h>
#include <stddef.h>

#include "target.h"

static void *small, *large, *code_of_small;
static sem_t unload_small, unloaded_small;
static _Thread_local bool unloads_large;

/* The program's comes before that of libc.  Whoever unloads the large library, and looks for
 * the small one, finds it, but then loses it. */
struct dl_find_object;
int _dl_find_object(void *address, struct dl_find_object *result);
int _dl_find_object(void *address, struct dl_find_object *result)
{
    int (*next)(void *, struct dl_find_object *);
    *(void **)&next = dlsym(RTLD_NEXT, "_dl_find_object");
    int found = next ? next(address, result) : -1;
    ptrdiff_t distance = (char *)code_of_small - (char *)address;
    if (unloads_large && found == 0 && distance >= 0 && distance < 8192) {
        unloads_large = false;
        sem_post(&unload_small);
        await(&unloaded_small);
    }
    return found;
}

static void create(void)
{
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
}

static void *create_through(const char *directory, const char *name, void **code)
{
    char path[4096];
    void (*call_back)(void (*)(void));
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    void *library = dlopen(path, RTLD_NOW);
    CHECK(library);
    *(void **)&call_back = dlsym(library, "call_back");
    CHECK(call_back);
    call_back(create);
    *code = (void *)call_back;
    return library;
}

static void *close_small(void *arg)
{
    await(&unload_small);
    CHECK(dlclose(small) == 0);
    sem_post(&unloaded_small);
    return arg;
}

int main(int argc, char **argv)
{
    const char *directory = dirname(argv[0]);
    void *code;
    CHECK(argc == 1);
    small = create_through(directory, "libframe_small.so", &code_of_small);
    large = create_through(directory, "libframe_large.so", &code);
    pthread_t thread = start(close_small, NULL);
    unloads_large = true;
    CHECK(dlclose(large) == 0);
    sem_post(&unload_small);
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
