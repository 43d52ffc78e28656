/*
 * Libraries that are unloaded, and threads that run in them or do not.
 *
 * unloaded WHICH: a row at the end; then it reads its input. unloaded WHICH HOW: then it ends by SIGSEGV or
 * SIGTERM of its own (segv, term), wakes the threads (wake), waits for ever (stay), or returns (end).
 */
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>

#include "target.h"
#include "unloaded.h"

static void wait_to_go(struct unloaded *own)
{
    sem_post(&own->begun);
    await(&own->go);
}

static struct unloaded shared = {.wait = wait_to_go};

static void *load(const char *name, int flags)
{
    void *library = dlopen(name, RTLD_NOW | flags);
    if (!library)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(library);
    return library;
}

static void start_in(void *library, const char *function)
{
    unloaded_start *begin = (unloaded_start *)dlsym(library, function);
    CHECK(begin);
    begin(&shared);
    await(&shared.begun);
}

static void unload(void *library)
{
    CHECK(dlclose(library) == 0);
}

static void under_a_thread(void)
{
    void *library = load("libunloaded.so", 0);
    start_in(library, "inner_start");
    unload(library);
}

static void after_its_thread(void)
{
    void *library = load("libunloaded.so", 0);
    start_in(library, "inner_start");
    sem_post(&shared.go);
    CHECK(pthread_join(shared.thread, NULL) == 0);
    unload(library);
}

/* Its threads are those of a library that is loaded now. */
static void and_loaded_again(void)
{
    void *library = load("libunloaded.so", 0);
    ElfW(Addr) base = ((struct link_map *)library)->l_addr;
    start_in(library, "inner_start");
    unload(library);
    library = load("libunloaded.so", 0);
    if (((struct link_map *)library)->l_addr != base)
        SKIP("the loader used another address");
    start_in(library, "inner_start");
}

/* The thread of the first one is in code that is gone, that of the second one is not. */
static void and_loaded_elsewhere(void)
{
    void *library = load("libunloaded.so", 0);
    ElfW(Addr) base = ((struct link_map *)library)->l_addr;
    start_in(library, "inner_start");
    unload(library);
    CHECK(mmap((void *)base, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
          (void *)base);
    library = load("libunloaded.so", 0);
    CHECK(((struct link_map *)library)->l_addr != base);
    start_in(library, "inner_start");
    unload(load("libpattern_plugin.so", 0)); /* another one, which has no thread */
}

static void but_not_unmapped(void)
{
    void *library = load("libunloaded.so", RTLD_NODELETE);
    start_in(library, "inner_start");
    unload(library);
}

static void once_of_two_times(void)
{
    void *library = load("libunloaded.so", 0);
    load("libunloaded.so", 0);
    start_in(library, "inner_start");
    unload(library);
}

static void *work_of_the_program(void *arg)
{
    wait_to_go(arg);
    return arg;
}

static void that_created_a_thread_of_the_program(void)
{
    void *library = load("libunloaded.so", 0);
    void (*call)(void *(*)(void *), struct unloaded *);
    *(void **)&call = dlsym(library, "inner_call");
    CHECK(call);
    call(work_of_the_program, &shared);
    await(&shared.begun);
    unload(library);
}

static void by_itself(void)
{
    void *library = load("libunloaded.so", 0);
    int (*unload_itself)(void *);
    start(stay, NULL);
    *(void **)&unload_itself = dlsym(library, "inner_unload");
    CHECK(unload_itself);
    unload_itself(library);
}

/* The destructor of one unloads the other. */
static void two_at_once(void)
{
    void *library = load("libunloaded_outer.so", 0);
    start_in(library, "outer_start");
    start_in(library, "outer_start_inner");
    start_in(library, "outer_start_inner");
    unload(library);
}

static void with_a_thread_of_cpp(void)
{
    void *library = load("libunloaded_cpp.so", 0);
    start_in(library, "inner_start");
    unload(library);
}

static const struct {
    const char *name;
    void (*function)(void);
} cases[] = {
    {"under", under_a_thread},
    {"after", after_its_thread},
    {"again", and_loaded_again},
    {"elsewhere", and_loaded_elsewhere},
    {"nodelete", but_not_unmapped},
    {"twice", once_of_two_times},
    {"callback", that_created_a_thread_of_the_program},
    {"itself", by_itself},
    {"two", two_at_once},
    {"cpp", with_a_thread_of_cpp},
};

static void end(const char *how)
{
    if (strcmp(how, "segv") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "term") == 0)
        raise(SIGTERM);
    for (int i = 0; i < 8 && strcmp(how, "wake") == 0; i++)
        sem_post(&shared.go);
    while (strcmp(how, "wake") == 0 || strcmp(how, "stay") == 0)
        pause();
    if (strcmp(how, "end") == 0)
        return;
    printf("up\n");
    fflush(stdout);
    while (getchar() != EOF)
        ;
}

int main(int argc, char **argv)
{
    size_t i = 0;
    CHECK(argc > 1 && argc < 4);
    sem_init(&shared.begun, 0, 0);
    sem_init(&shared.go, 0, 0);
    while (i < sizeof(cases) / sizeof(*cases) && strcmp(cases[i].name, argv[1]) != 0)
        i++;
    CHECK(i < sizeof(cases) / sizeof(*cases));
    cases[i].function();
    end(argc > 2 ? argv[2] : "");
    return 0;
}
