/* A fork while another thread is in dl_iterate_phdr, which holds a lock of the loader. The child uses a
 * library and creates threads, which needs no lock of the loader without the shim. With an argument the
 * thread is created by libc's function, without a hook: the child has the first one that a hook sees. */
#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>

#include "target.h"

static sem_t release;

static int wait_inside(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)info, (void)size, (void)arg;
    sem_post(&ready);
    await(&release);
    return 1;
}

static void *iterate(void *arg)
{
    dl_iterate_phdr(wait_inside, arg);
    return NULL;
}

static void *create_another(void *arg)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, nothing, arg) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    return NULL;
}

static void in_child(void *library)
{
    CHECK(dlclose(library) == 0); /* one reference is left */
    create_another(NULL);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, create_another, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    _exit(0);
}

typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static create *creates(bool unseen)
{
    void *libc = unseen ? dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD) : NULL;
    create *found = libc ? (create *)dlsym(libc, "pthread_create") : NULL;
    return found ? found : pthread_create;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    int status;
    (void)argv;
    void *library = dlopen("libm.so.6", RTLD_NOW);
    CHECK(library && dlopen("libm.so.6", RTLD_NOW) == library);
    sem_init(&release, 0, 0);
    CHECK(creates(argc > 1)(&thread, NULL, iterate, NULL) == 0);
    await_ready(1);
    pid_t child = fork();
    if (child == 0)
        in_child(library);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    sem_post(&release);
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
