#include "base/event.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

void event_set(struct event *event)
{
    atomic_store(&event->happened, 1);
    syscall(SYS_futex, &event->happened, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

bool event_wait(struct event *event, const struct timespec *until)
{
    while (!atomic_load(&event->happened))
        if (syscall(SYS_futex, &event->happened, FUTEX_WAIT_BITSET_PRIVATE, 0, until, NULL,
                    FUTEX_BITSET_MATCH_ANY) != 0 &&
            errno == ETIMEDOUT)
            return atomic_load(&event->happened);
    return true;
}
