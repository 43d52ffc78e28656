/*
 * The program itself prints its stack with libunwind, which the shim uses, too: before the first creation of
 * a thread, and after it. Functions have names of the file's symbol table, which libunwind opens.
 */
#include <dlfcn.h>

#include "target.h"

#ifdef __x86_64__

#define CURSOR_SIZE 4096 /* libunwind 1.8 needs 1,016 bytes */

static int (*get_context)(void *), (*init_local)(void *, void *), (*step)(void *);
static int (*get_name)(void *, char *, size_t, unsigned long *);

static void *find(void *library, const char *name)
{
    void *found = dlsym(library, name);
    CHECK(found);
    return found;
}

static __attribute__((noinline)) void print_stack(const char *when)
{
    _Alignas(16) char cursor[CURSOR_SIZE], context[CURSOR_SIZE];
    char name[128];
    unsigned long offset;
    CHECK(get_context(context) == 0 && init_local(cursor, context) == 0);
    do {
        int result = get_name(cursor, name, sizeof(name), &offset);
        printf("%s: %s\n", when, result == 0 ? name : "no name");
    } while (step(cursor) > 0 && strcmp(name, "main") != 0);
}

static void *return_it(void *arg)
{
    return arg;
}

int main(void)
{
    pthread_t thread;
    void *library = dlopen("libunwind.so.8", RTLD_NOW);
    if (!library)
        SKIP("libunwind is not installed");
    *(void **)&get_context = find(library, "_Ux86_64_getcontext");
    *(void **)&init_local = find(library, "_ULx86_64_init_local");
    *(void **)&step = find(library, "_ULx86_64_step");
    *(void **)&get_name = find(library, "_ULx86_64_get_proc_name");
    print_stack("before");
    CHECK(pthread_create(&thread, NULL, return_it, NULL) == 0 && pthread_join(thread, NULL) == 0);
    print_stack("after");
    return 0;
}
#else
int main(void)
{
    SKIP("its names of libunwind's functions are those of x86-64");
}
#endif
