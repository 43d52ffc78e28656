/*
 * Reads the descriptors of waits while the process is stopped. As soon as it goes on, it can close a
 * descriptor or change a list of them.
 */
#include <stdlib.h>

#include "base/array.h"
#include "wait/describe.h"
#include "wait/files.h"

enum { MAX_FILES = 4096 /* of lists: reading one takes 3 us. The others are read later. */ };

struct files *wait_files_read(const struct snapshot *snapshot)
{
    size_t budget = MAX_FILES;
    struct files *files = files_new(snapshot->pid, snapshot_living_task(snapshot));
    if (!files)
        return NULL;
    files->watched = calloc(snapshot->count + 1, sizeof(*files->watched));
    files->watched_count = files->watched ? snapshot->count : 0;
    struct waits waits = {.context.snapshot = snapshot, .files = files};
    for (size_t i = 0; i < files->watched_count; i++) {
        const struct snapshot_thread *thread = &snapshot->threads[i];
        if (thread->state != SNAPSHOT_STOPPED || thread->syscall_nr < 0)
            continue;
        const struct wait_call call = wait_call_of(thread->syscall_nr, thread->syscall_args);
        struct wait wait = {.fd = call.fd_arg >= 0 ? (int)thread->syscall_args[call.fd_arg] : -1};
        const struct view view = {.waits = &waits, .thread = thread, .call = call, .wait = &wait};
        if (call.fd_arg >= 0)
            files_find(files, wait.fd);
        poll_read(&view, &files->watched[i]);
        for (size_t j = 0; j < files->watched[i].count && budget; j++, budget--)
            files_find(files, files->watched[i].fds[j]);
    }
    return files;
}

void wait_files_free(struct files *files)
{
    files_free(files);
}
