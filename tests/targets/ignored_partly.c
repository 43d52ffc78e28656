/*
 * Threads of one creation site that differ in what they wait for and in what they are called: rules may
 * ignore some of them.  One more has ended.  The process ends when each is blocked.
 */
#include <dirent.h>
#include <stdbool.h>

#include "target.h"

enum { WORKERS = 6 };

static pthread_mutex_t jobs_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t jobs_ready = PTHREAD_COND_INITIALIZER;
static sem_t slots_free;

static NOINLINE void wait_for_job(void)
{
    pthread_mutex_lock(&jobs_lock);
    for (;;)
        pthread_cond_wait(&jobs_ready, &jobs_lock);
}

static NOINLINE void wait_for_slot(void)
{
    while (sem_wait(&slots_free) != 0)
        CHECK(errno == EINTR);
}

static void *worker(void *arg)
{
    int number = *(int *)arg;
    char name[16];
    snprintf(name, sizeof(name), "io %d", number);
    pthread_setname_np(pthread_self(), name);
    if (number == WORKERS)
        return NULL;
    if (number % 2)
        wait_for_job();
    wait_for_slot();
    return arg;
}

static bool stands_still(int tid)
{
    char path[64], state = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
    FILE *stat = fopen(path, "r");
    if (!stat)
        return true;
    bool read = fscanf(stat, "%*d (%*[^)]) %c", &state) == 1;
    fclose(stat);
    return read && state == 'S';
}

/* The tasks that are not this one, all asleep: `left` of them, the others have gone. */
static bool all_stand_still(int left)
{
    int count = 0, still = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks);
    for (struct dirent *entry; (entry = readdir(tasks));) {
        int tid = atoi(entry->d_name);
        if (tid == 0 || tid == getpid())
            continue;
        count++;
        still += stands_still(tid);
    }
    closedir(tasks);
    return count == left && still == left;
}

int main(void)
{
    static int numbers[WORKERS + 1];
    sem_init(&slots_free, 0, 0);
    for (int i = 1; i <= WORKERS; i++) {
        numbers[i] = i;
        start(worker, &numbers[i]);
    }
    for (int quiet = 0; quiet < 3; quiet++) {
        if (!all_stand_still(WORKERS - 1))
            quiet = -1;
        usleep(1000);
    }
    return 0;
}
