#include "preload/backtrace/walk.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "preload/shim/guard.h"
#include "preload/shim/next.h"
#include "preload/shim/sys.h"

/* About 40 ms: a thread holds the lock for a microsecond, but can lose its CPU. */
#define YIELDS 20
#define TRIES 200
#define REST_NS 150000

static int (*lock)(pthread_mutex_t *), (*try_lock)(pthread_mutex_t *), (*unlock)(pthread_mutex_t *);
static bool replaced[2];

static int walk_lock(pthread_mutex_t *mutex)
{
    static const struct timespec rest = {0, REST_NS};
    struct capture_walk *walk = shim_tls.walk;
    if (!walk)
        return lock(mutex);
    /* A thread that holds the second lock waits for nothing. */
    for (int i = 0; i < TRIES && walk->held == 0 && try_lock(mutex) != 0; i++) {
        if (i == TRIES - 1)
            WALK_GIVE_UP(walk->given_up);
        if (i < YIELDS)
            SYS0(sched_yield);
        else
            SYS2(nanosleep, &rest, NULL);
    }
    int result = walk->held > 0 ? lock(mutex) : 0;
    walk->held++;
    return result;
}

static int walk_unlock(pthread_mutex_t *mutex)
{
    struct capture_walk *walk = shim_tls.walk;
    if (walk && walk->held > 0)
        walk->held--;
    return unlock(mutex);
}

void *walk_replacement(const char *name)
{
    bool locks = strcmp(name, "pthread_mutex_lock") == 0, unlocks = strcmp(name, "pthread_mutex_unlock") == 0;
    if (!locks && !unlocks)
        return NULL;
    *(void **)&lock = next_in_libc("pthread_mutex_lock");
    *(void **)&try_lock = next_in_libc("pthread_mutex_trylock");
    *(void **)&unlock = next_in_libc("pthread_mutex_unlock");
    if (!lock || !try_lock || !unlock)
        return NULL;
    replaced[unlocks] = true;
    return locks ? (void *)walk_lock : (void *)walk_unlock;
}

int walk_has_locks(void)
{
    return replaced[0] && replaced[1];
}
