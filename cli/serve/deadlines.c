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

struct deadline *deadline_begin(struct deadlines *deadlines, int fd, double seconds)
{
    struct deadline *free_one = NULL;
    pthread_mutex_lock(&deadlines->lock);
    for (size_t i = 0; !free_one && i <= CONNECTIONS_MAX; i++)
        if (deadlines->items[i].fd < 0)
            free_one = &deadlines->items[i];
    if (free_one)
        *free_one = (struct deadline){fd, after(seconds)};
    pthread_mutex_unlock(&deadlines->lock);
    if (!free_one)
        shutdown(fd, SHUT_RDWR);
    return free_one;
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, double seconds)
{
    if (!deadline)
        return;
    pthread_mutex_lock(&deadlines->lock);
    deadline->until_ns = after(seconds);
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
        if (deadlines->items[i].fd >= 0 && now >= deadlines->items[i].until_ns)
            shutdown(deadlines->items[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&deadlines->lock);
}
