/* A fork while another thread is in dl_iterate_phdr, which holds a lock of the loader. The child uses a
 * library and creates threads, which needs no lock of the loader without the shim. */
#include <dlfcn.h>
#include <link.h>

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

int main(void)
{
    pthread_t thread;
    int status;
    void *library = dlopen("libm.so.6", RTLD_NOW);
    CHECK(library && dlopen("libm.so.6", RTLD_NOW) == library);
    sem_init(&release, 0, 0);
    CHECK(pthread_create(&thread, NULL, iterate, NULL) == 0);
    await_ready(1);
    pid_t child = fork();
    if (child == 0)
        in_child(library);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    sem_post(&release);
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
