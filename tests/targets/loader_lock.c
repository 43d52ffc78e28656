/*
 * One thread holds the loader's lock most of the time, another makes libunwind look
 * for modules: each creation after a library was unloaded.  "LEFT CREATED\n" for each
 * line on standard input: how often each came round; the end of it is the end.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>

#include "target.h"

static atomic_long left, created;

static int look(struct dl_phdr_info *info, size_t size, void *count)
{
    (void)info, (void)size;
    (*(long *)count)++;
    return 0;
}

static void *hold(void *arg)
{
    for (;; left++) {
        long count = 0;
        dl_iterate_phdr(look, &count);
    }
    return arg;
}

static void *create(void *arg)
{
    static const char *const names[] = {"libm.so.6", "libz.so.1"};
    for (;; created++) {
        pthread_join(start(nothing, NULL), NULL);
        for (int i = 0; i < 2; i++) {
            void *library = dlopen(names[i], RTLD_NOW);
            if (library)
                dlclose(library);
        }
    }
    return arg;
}

int main(void)
{
    char line[16];
    setvbuf(stdout, NULL, _IOLBF, 0);
    start(hold, NULL);
    start(create, NULL);
    while (left == 0 || created == 0)
        usleep(1000);
    puts("ready");
    while (fgets(line, sizeof(line), stdin))
        printf("%ld %ld\n", left, created);
    _exit(0);
}
