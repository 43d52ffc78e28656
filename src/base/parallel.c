#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>

enum { MAX_HELPERS = 3 };

struct part {
    pthread_t thread;
    parallel_fn *run;
    void *arg;
    size_t first, end;
};

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Of processors, without the one of the caller. */
static size_t count_others(void)
{
    cpu_set_t cpus;
    int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return count > 1 ? (size_t)count - 1 : 0;
}

static void *run_part(void *arg)
{
    const struct part *part = arg;
    part->run(part->arg, part->first, part->end);
    return NULL;
}

void parallel_run(size_t count, size_t least, parallel_fn *run, void *arg)
{
    struct part parts[MAX_HELPERS];
    size_t helpers = count < 2 * least ? 0 : min(min(count_others(), MAX_HELPERS), count / least - 1);
    size_t each = count / (helpers + 1), first = 0, started = 0;
    for (; started < helpers; started++, first += each) {
        parts[started] = (struct part){.run = run, .arg = arg, .first = first, .end = first + each};
        if (pthread_create(&parts[started].thread, NULL, run_part, &parts[started]) != 0)
            break;
    }
    run(arg, first, count);
    while (started)
        pthread_join(parts[--started].thread, NULL);
}
