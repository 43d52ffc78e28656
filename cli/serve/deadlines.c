#include "cli/serve/deadlines.h"

#include <sys/socket.h>

#include "base/clock.h"

static uint64_t after(double seconds)
{
    return seconds > 0 ? now_ns() + (uint64_t)(seconds * 1e9) : UINT64_MAX;
}

void deadlines_init(struct deadlines *deadlines)
{
    pthread_mutex_init(&deadlines->lock, NULL);
    for (size_t i = 0; i <= CONNECTIONS_MAX; i++)
        deadlines->items[i].fd = -1;
}

static void begin_phase(struct deadline *deadline, enum deadline_phase phase, double seconds)
{
    deadline->phase = phase;
    deadline->since_ns = now_ns();
    deadline->until_ns = after(seconds);
}

static void end_connection(struct deadline *deadline)
{
    shutdown(deadline->fd, SHUT_RDWR);
    deadline->phase = DEADLINE_OVER;
}

/* The one that waits longest for its client: for a request, else to take an answer. */
static struct deadline *slowest(struct deadlines *deadlines)
{
    struct deadline *found = NULL;
    for (size_t i = 0; i <= CONNECTIONS_MAX; i++) {
        struct deadline *one = &deadlines->items[i];
        if (one->fd < 0 || one->phase == DEADLINE_WORK || one->phase == DEADLINE_OVER)
            continue;
        if (!found || one->phase < found->phase ||
            (one->phase == found->phase && one->since_ns < found->since_ns))
            found = one;
    }
    return found;
}

static void make_room(struct deadlines *deadlines)
{
    size_t kept = 0;
    for (size_t i = 0; i <= CONNECTIONS_MAX; i++)
        kept += deadlines->items[i].fd >= 0 && deadlines->items[i].phase != DEADLINE_OVER;
    struct deadline *victim = kept >= CONNECTIONS_KEPT ? slowest(deadlines) : NULL;
    if (victim)
        end_connection(victim);
}

static struct deadline *find_free(struct deadlines *deadlines)
{
    for (size_t i = 0; i <= CONNECTIONS_MAX; i++)
        if (deadlines->items[i].fd < 0)
            return &deadlines->items[i];
    return NULL;
}

struct deadline *deadline_begin(struct deadlines *deadlines, int fd, double seconds)
{
    pthread_mutex_lock(&deadlines->lock);
    make_room(deadlines);
    struct deadline *deadline = find_free(deadlines);
    if (deadline) {
        deadline->fd = fd;
        begin_phase(deadline, DEADLINE_REQUEST, seconds);
    }
    pthread_mutex_unlock(&deadlines->lock);
    if (!deadline)
        shutdown(fd, SHUT_RDWR);
    return deadline;
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_phase phase,
                  double seconds)
{
    if (!deadline)
        return;
    pthread_mutex_lock(&deadlines->lock);
    if (deadline->phase != DEADLINE_OVER)
        begin_phase(deadline, phase, seconds);
    pthread_mutex_unlock(&deadlines->lock);
}

void deadline_end(struct deadlines *deadlines, struct deadline *deadline)
{
    if (!deadline)
        return;
    pthread_mutex_lock(&deadlines->lock);
    deadline->fd = -1;
    pthread_mutex_unlock(&deadlines->lock);
}

void deadlines_enforce(struct deadlines *deadlines)
{
    uint64_t now = now_ns();
    pthread_mutex_lock(&deadlines->lock);
    for (size_t i = 0; i <= CONNECTIONS_MAX; i++)
        if (deadlines->items[i].fd >= 0 && deadlines->items[i].phase != DEADLINE_OVER &&
            now >= deadlines->items[i].until_ns)
            end_connection(&deadlines->items[i]);
    pthread_mutex_unlock(&deadlines->lock);
}
