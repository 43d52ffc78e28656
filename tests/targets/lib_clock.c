/*
 * Preloaded: adds the seconds in the file CLOCK_OFFSETS to what clock_gettime gives. The file has two
 * numbers: one for CLOCK_REALTIME, which an administrator can set, and one for CLOCK_MONOTONIC and
 * CLOCK_BOOTTIME.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long offset_of(clockid_t clock)
{
    long offsets[2] = {0, 0};
    char text[64] = "";
    int fd = open(getenv("CLOCK_OFFSETS"), O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
        sscanf(text, "%ld %ld", &offsets[0], &offsets[1]);
    if (fd >= 0)
        close(fd);
    return clock == CLOCK_REALTIME                               ? offsets[0]
           : clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ? offsets[1]
                                                                 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    now->tv_sec += offset_of(clock);
    return result;
}
