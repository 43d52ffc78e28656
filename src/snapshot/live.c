#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "snapshot/process_memory.h"
#include "snapshot/regs.h"
#include "snapshot/source.h"
#include "snapshot/capture.h"
#include "snapshot/stop.h"

enum {
    MAX_TRIES = 20, /* while another tracer is about to detach from a thread */
    REST_MS = 10,
};

/* ---- the source ------------------------------------------------------------------------ */

static void deepen(struct snapshot *snapshot, const struct snapshot_want *wants, size_t count)
{
    struct capture capture = {.snapshot = snapshot, .wants = wants, .want_count = count};
    tracing_run(&capture);
    snapshot->stopped_ns += capture.stop.stopped_ns;
    for (size_t i = 0; i < count; i++)
        snapshot_resolve_restarted(snapshot, &snapshot->threads[wants[i].thread]);
    stop_release(&capture.stop);
}

static const struct snapshot_source live_source = {
    .read = process_read,
    .find_file = process_find_file,
    .deepen = deepen,
    .living_task = process_living_task,
};

bool snapshot_open_memory(pid_t pid, struct snapshot **snapshot)
{
    struct snapshot *opened = calloc(1, sizeof(*opened));
    *snapshot = NULL;
    if (!opened)
        return false;
    opened->pid = pid;
    opened->source = &live_source;
    if (!address_space_of_process(&opened->space, pid, &opened->task)) {
        free(opened);
        return false;
    }
    *snapshot = opened;
    return true;
}

/* ---- taking ------------------------------------------------------------------------------ */

static enum snapshot_status finish(struct capture *capture, struct snapshot **snapshot, struct error *error)
{
    struct snapshot *taken = capture->snapshot;
    if (!capture->ok) {
        snapshot_free(taken);
        return snapshot_explain(&capture->stop, capture->why, error);
    }
    taken->stopped_ns = capture->stop.stopped_ns;
    for (size_t i = 0; i < taken->count; i++)
        snapshot_resolve_restarted(taken, &taken->threads[i]);
    *snapshot = taken;
    return SNAPSHOT_OK;
}

/* again: another attempt may succeed. */
static enum snapshot_status take_once(pid_t pid, const struct snapshot_options *options,
                                      struct snapshot **snapshot, bool *again, struct error *error)
{
    struct capture capture = {.snapshot = calloc(1, sizeof(struct snapshot)), .options = options};
    *snapshot = NULL;
    if (!capture.snapshot) {
        error_set(error, "process %d cannot be stopped: out of memory", (int)pid);
        return SNAPSHOT_FAILED;
    }
    capture.snapshot->pid = pid;
    capture.snapshot->source = &live_source;
    capture.why = tracing_run(&capture);
    /* Tries again for a single refused thread only while another tracer has it, because each try stops the
     * others. */
    *again = snapshot_is_passing(&capture.stop) && (!capture.ok || snapshot_tracer(&capture.stop) > 0);
    enum snapshot_status status = finish(&capture, snapshot, error);
    stop_release(&capture.stop);
    return status;
}

enum snapshot_status snapshot_take(pid_t pid, const struct snapshot_options *options,
                                   struct snapshot **snapshot, struct error *error)
{
    if (pid == getpid()) {
        *snapshot = NULL;
        error_set(error, "process %d is this program itself", (int)pid);
        return SNAPSHOT_REFUSED;
    }
    for (unsigned tries = 1;; tries++) {
        bool again = false;
        enum snapshot_status status = take_once(pid, options, snapshot, &again, error);
        if (!again || tries == MAX_TRIES)
            return status;
        snapshot_free(*snapshot);
        nanosleep(&(struct timespec){0, REST_MS * 1000000}, NULL);
    }
}
