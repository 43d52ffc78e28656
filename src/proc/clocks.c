#include "proc/clocks.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/file.h"

/* Offset from the first namespace: "monotonic  SECONDS  NANOSECONDS"; the seconds can be negative. */
static bool offset_read(const char *path, int64_t *ns)
{
    char text[256];
    int64_t seconds, rest;
    if (proc_read(path, text, sizeof(text)) <= 0 ||
        sscanf(text, "monotonic %" SCNd64 " %" SCNd64, &seconds, &rest) != 2)
        return false;
    *ns = seconds * 1000000000 + rest;
    return true;
}

/* timens_offsets are those of the namespace for its children, in which it is itself only if it was forked
 * there. */
static bool is_in_that_of_children(pid_t pid)
{
    char own[64], of_children[64];
    ssize_t size = readlink(PROC_PATH("%d/ns/time", (int)pid), own, sizeof(own));
    return size > 0 &&
           readlink(PROC_PATH("%d/ns/time_for_children", (int)pid), of_children, sizeof(of_children)) ==
               size &&
           memcmp(own, of_children, (size_t)size) == 0;
}

int64_t process_clock_ahead_ns(pid_t pid)
{
    int64_t ours, theirs;
    if (!offset_read("/proc/self/timens_offsets", &ours) ||
        !offset_read(PROC_PATH("%d/timens_offsets", (int)pid), &theirs) || ours == theirs)
        return 0;
    return is_in_that_of_children(pid) ? theirs - ours : 0;
}

uint64_t process_now_ns(pid_t pid)
{
    return now_ns() + (uint64_t)process_clock_ahead_ns(pid);
}
