#include "attach/attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "attach/perf.h"
#include "attach/recorder.h"
#include "attach/table.h"
#include "base/clock.h"
#include "ledger/ledger.h"
#include "proc/process.h"
#include "proc/tasks.h"

enum {
    RING_BYTES = 4 << 20,
    STEP_MS = 100,
    CONFIRM_SHARE = 10, /* of the time goes at most one part in so many into reading descriptors */
    MAX_PASSES = 50,    /* over the threads, until no pass finds a new one */
};

struct attach {
    pid_t pid;
    bool system_wide;
    struct probes probes;
    struct nptl nptl;
    struct snapshot *reader; /* without threads */
    struct perf *perf;
    struct writer *writer;
    struct recorder *recorder;
    struct table added; /* tids that have events */
    uint64_t older;
    uint64_t confirm_ns; /* descriptors are not read before */
};

/* ---- one step --------------------------------------------------------------------------------- */

/* Counts what happened until the end. */
static enum attach_status take_last(struct attach *attach)
{
    struct perf_record *records;
    struct batch batch;
    size_t count;
    uint64_t until;
    if (perf_read(attach->perf, true, &records, &count, &until) && batch_unresolved(&batch, records, count)) {
        recorder_take(attach->recorder, &batch);
        batch_release(&batch);
    }
    return ATTACH_ENDED;
}

static void confirm(struct attach *attach, uint64_t until, bool soon)
{
    uint64_t begin = now_ns();
    if (!recorder_has_changed(attach->recorder) || (begin < attach->confirm_ns && !soon))
        return;
    recorder_confirm(attach->recorder, attach->reader, until);
    attach->confirm_ns = now_ns() + (now_ns() - begin) * CONFIRM_SHARE;
}

static enum attach_status take(struct attach *attach, bool soon, struct error *error)
{
    struct perf_record *records;
    struct batch batch;
    size_t count;
    uint64_t until;
    if (!process_exists(attach->pid))
        return take_last(attach);
    if (!perf_read(attach->perf, false, &records, &count, &until)) {
        error_set(error, "out of memory");
        return ATTACH_FAILED;
    }
    bool ok = batch_resolve(&batch, records, count, attach->pid, &attach->probes, attach->writer, error);
    recorder_take(attach->recorder, &batch);
    batch_release(&batch);
    if (!ok)
        return process_exists(attach->pid) ? ATTACH_FAILED : take_last(attach);
    if (recorder_has_execed(attach->recorder))
        return ATTACH_ENDED;
    confirm(attach, until, soon);
    return ATTACH_OK;
}

enum attach_status attach_step(struct attach *attach, struct error *error)
{
    perf_wait(attach->perf, STEP_MS);
    return take(attach, false, error);
}

enum attach_status attach_settle(struct attach *attach, struct error *error)
{
    perf_wait(attach->perf, STEP_MS);
    return take(attach, true, error);
}

/* ---- begin --------------------------------------------------------------------------------------- */

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool explain(const struct attach *attach, size_t threads, struct error *error)
{
    if (errno == EMFILE || errno == ENFILE)
        return error_set(error,
                         "process %d has %zu threads, too many for one event for each thread and CPU; raise "
                         "'ulimit -n', or use --system-wide",
                         (int)attach->pid, threads);
    if (errno == EACCES || errno == EPERM)
        return error_set(error, "process %d: no permission; CAP_PERFMON and the right to trace it are needed",
                         (int)attach->pid);
    return error_set(error, "process %d: cannot add probes: %s", (int)attach->pid, strerror(errno));
}

/* Adds events to the threads that have none. *added: how many. */
static bool add_threads(struct attach *attach, size_t *added, struct error *error)
{
    struct task_list list;
    bool ok = true;
    *added = 0;
    if (!process_tasks(attach->pid, &list))
        return error_set(error, "no process %d", (int)attach->pid);
    for (size_t i = 0; ok && i < list.count; i++) {
        uint64_t tid = (uint64_t)list.tasks[i].tid;
        if (table_find(&attach->added, tid) || recorder_knows(attach->recorder, list.tasks[i].tid))
            continue;
        ok =
            perf_add(attach->perf, list.tasks[i].tid) || errno == ESRCH || explain(attach, list.count, error);
        *added += ok && table_set(&attach->added, tid, 1);
    }
    task_list_release(&list);
    return ok;
}

/* Threads that begin meanwhile inherit the events if their creator has them. If not, the next pass adds
 * them. */
static bool add_all(struct attach *attach, struct error *error)
{
    size_t added = 1;
    if (attach->system_wide && !perf_add(attach->perf, -1))
        return explain(attach, 0, error);
    added = !attach->system_wide;
    for (int pass = 0; added && pass < MAX_PASSES; pass++) {
        if (!add_threads(attach, &added, error))
            return false;
        attach->older += added;
        perf_wait(attach->perf, 25);
        if (take(attach, true, error) != ATTACH_OK)
            return false;
    }
    recorder_note_older(attach->recorder, attach->reader);
    return true;
}

static bool check(pid_t pid, struct error *error)
{
    struct ledger *ledger;
    struct error ignored;
    if (!process_exists(pid))
        return error_set(error, "no process %d", (int)pid);
    if (pid == getpid())
        return error_set(error, "process %d is this program itself", (int)pid);
    if (process_maps_file(pid, "libthreadleak.so"))
        return error_set(error, "process %d is already watched by the shim", (int)pid);
    if (ledger_open_process(pid, &ledger, &ignored) != LEDGER_OPEN_OK)
        return true;
    bool attached = ledger_get_header(ledger)->flags & LEDGER_ATTACHED;
    ledger_close(ledger);
    return error_set(error,
                     attached ? "process %d is already attached by another threadleak"
                              : "process %d is already watched by the shim",
                     (int)pid);
}

static bool find(struct attach *attach, const struct attach_options *options, struct error *error)
{
    if (!snapshot_open_memory(attach->pid, &attach->reader))
        return error_set(error, "process %d: its memory cannot be read: %s", (int)attach->pid,
                         strerror(errno));
    if (!probes_find(&attach->probes, attach->reader, options->stack_bytes, error))
        return false;
    return nptl_read(&attach->nptl, attach->reader) ||
           error_set(error,
                     "process %d: its glibc does not export the layout of its threads (glibc 2.34 and "
                     "later do)",
                     (int)attach->pid);
}

static bool begin(struct attach *attach, const struct attach_options *options, struct error *error)
{
    if (!check(attach->pid, error) || !find(attach, options, error))
        return false;
    raise_file_limit();
    attach->perf = perf_new(attach->probes.items, attach->probes.count, RING_BYTES, error);
    if (!attach->perf || !(attach->writer = writer_new(attach->pid, &attach->nptl, error)))
        return false;
    attach->recorder = recorder_new(attach->pid, &attach->probes, &attach->nptl, attach->writer);
    if (!attach->recorder)
        return error_set(error, "out of memory");
    return add_all(attach, error);
}

struct attach *attach_new(pid_t pid, const struct attach_options *options, struct error *error)
{
    struct attach *attach = calloc(1, sizeof(*attach));
    if (!attach) {
        error_set(error, "out of memory");
        return NULL;
    }
    attach->pid = pid;
    attach->system_wide = options->system_wide;
    if (begin(attach, options, error))
        return attach;
    attach_free(attach);
    return NULL;
}

struct attach_counts attach_count(const struct attach *attach)
{
    const struct ledger_header *header = writer_header(attach->writer);
    struct attach_counts counts = {.created = header->next_serial - LEDGER_MAIN_SERIAL - 1,
                                   .lost = header->lost_events,
                                   .complete = recorder_complete(attach->recorder),
                                   .older = attach->older};
    for (uint32_t i = 0; i < writer_slot_count(attach->writer); i++) {
        const struct ledger_slot *slot = writer_slot(attach->writer, i);
        counts.alive += slot && !(slot->state & SLOT_ENDED);
        counts.unjoined += slot && ledger_slot_kind(slot->state) == KIND_UNJOINED;
    }
    return counts;
}

void attach_free(struct attach *attach)
{
    if (!attach)
        return;
    perf_free(attach->perf);
    recorder_free(attach->recorder);
    writer_free(attach->writer);
    snapshot_free(attach->reader);
    table_release(&attach->added);
    free(attach);
}
