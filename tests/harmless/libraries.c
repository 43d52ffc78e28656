/* The loader and threads: dlopen, dlsym and dlclose. The libraries are those of glibc. */
#include <dlfcn.h>

#include "harmless.h"

static void *open_and_close(void *name)
{
    long good = 0;
    for (int i = 0; i < 20; i++) {
        void *library = dlopen(name, RTLD_NOW);
        good += library && dlclose(library) == 0;
    }
    return (void *)good;
}

TEST(library_in_threads)
{
    pthread_t first = begin(open_and_close, "libresolv.so.2");
    pthread_t second = begin(open_and_close, "libutil.so.1");
    is("first", (long)joined(first), 20);
    is("second", (long)joined(second), 20);
    is("main", (long)open_and_close("libresolv.so.2"), 20);
}

static void *error_of(void *name)
{
    is("dlopen", dlopen(name, RTLD_NOW) == NULL, 1);
    is("dlerror", dlerror() != NULL, 1);
    is("once", dlerror() == NULL, 1);
    return NULL;
}

/* The shim uses the loader at the first creation. Before glibc 2.34 that loses the error. */
static void create_first(void)
{
#if !__GLIBC_PREREQ(2, 34)
    run_thread(nothing, NULL);
#endif
}

TEST(library_errors_belong_to_a_thread)
{
    create_first();
    is("dlopen", dlopen("/does/not/exist.so", RTLD_NOW) == NULL, 1);
    run_thread(error_of, "/does/not/exist/either.so");
    const char *error = dlerror();
    text_is("of main", error ? error : "",
            "/does/not/exist.so: cannot open shared object file: No such file or directory");
}

TEST(library_error_survives_a_creation)
{
    create_first();
    is("dlsym", dlsym(RTLD_DEFAULT, "no_such_function_here") == NULL, 1);
    run_thread(nothing, NULL);
    is("dlerror", dlerror() != NULL, 1);
    run_thread(nothing, NULL);
    is("once", dlerror() == NULL, 1);
}

TEST(library_error_that_was_read_is_gone_after_a_creation)
{
    is("dlopen", dlopen("/does/not/exist.so", RTLD_NOW) == NULL, 1);
    is("dlerror", dlerror() != NULL, 1);
    run_thread(nothing, NULL);
    is("once", dlerror() == NULL, 1);
    is("again", dlopen("/does/not/exist.so", RTLD_NOW) == NULL, 1);
    is("dlerror", dlerror() != NULL, 1);
}

TEST(library_error_of_nobody_is_not_there_after_a_creation)
{
    run_thread(nothing, NULL);
    is("dlerror", dlerror() == NULL, 1);
}

typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

TEST(library_functions_by_name)
{
    create *by_name = (create *)dlsym(RTLD_DEFAULT, "pthread_create");
    is("pthread_create is the same", by_name == pthread_create, 1);
    pthread_t thread;
    is("it works", by_name(&thread, NULL, nothing, (void *)3), 0);
    is("value", (long)joined(thread), 3);
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    is("libc is there", libc != NULL, 1);
    create *of_libc = (create *)dlsym(libc, "pthread_create");
    if (!of_libc)
        return;
    is("libc's own works", of_libc(&thread, NULL, nothing, (void *)4), 0);
    is("value", (long)joined(thread), 4);
}

TEST(library_versions_by_name)
{
    is("one that does not exist", dlvsym(RTLD_DEFAULT, "pthread_create", "GLIBC_99") == NULL, 1);
    is("error", dlerror() != NULL, 1);
    void *exit_function = dlsym(RTLD_DEFAULT, "exit");
    is("exit", exit_function == (void *)exit, 1);
}

static void in_child(void)
{
    is("in a child", (long)open_and_close("libresolv.so.2"), 20);
    is("its thread", (long)run_thread(open_and_close, "libresolv.so.2"), 20);
}

TEST(library_in_a_child)
{
    run_thread(nothing, NULL);
    text_is("child", status_of(in_child), "exit 0");
}

static __thread int local = 7;

static void *change_local(void *value)
{
    long before = local;
    local = (int)(long)value;
    return (void *)(before * 100 + local);
}

TEST(library_thread_local)
{
    is("first", (long)run_thread(change_local, (void *)8), 708);
    is("second", (long)run_thread(change_local, (void *)9), 709);
    is("main", local, 7);
}
