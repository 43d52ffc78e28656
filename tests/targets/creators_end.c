/* Threads that create a thread and end, one after the other: what the shim keeps for each creator must end
 * with it. Prints how many KiB of address space the last of them added. */
#include "target.h"

#define WARM_UP 20
#define MANY 200

static void *create(void *arg)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, nothing, arg) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    return NULL;
}

static void create_many(int count)
{
    pthread_t thread;
    while (count-- > 0) {
        CHECK(pthread_create(&thread, NULL, create, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
}

static long pages_mapped(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    return pages;
}

int main(void)
{
    create_many(WARM_UP);
    long before = pages_mapped();
    create_many(MANY);
    printf("%ld\n", (pages_mapped() - before) * sysconf(_SC_PAGESIZE) / 1024);
    return 0;
}
