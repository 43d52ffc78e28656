#include "evidence/measures.h"

#include <stdlib.h>

#include "proc/process_limits.h"
#include "proc/status.h"

struct measures *measures_read(pid_t pid, const struct thread_index *threads)
{
    struct task_status status;
    struct system_limits system;
    struct measures *measures = malloc(sizeof(*measures));
    if (!measures)
        return NULL;
    *measures = (struct measures){.stacks = {-1, -1, -1}};
    if (threads)
        stack_bytes_read(&measures->stacks, pid, threads);
    if (!task_status_read(pid, pid, &status))
        return measures;
    const struct limited_process process = {pid, &status, threads_of_user(status.user),
                                            measures->stacks.mappings};
    system_limits_read(&system);
    measures->limit_count = thread_limits_read(measures->limits, &process, &system);
    return measures;
}
