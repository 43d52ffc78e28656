#include "attach/attach.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/perf.h"
#include "attach/recorder.h"
#include "attach/table.h"
#include "base/clock.h"
#include "common/compat.h"
#include "ledger/ledger.h"
#include "proc/process.h"
#include "proc/tasks.h"

enum {
    ALL_RINGS_BYTES = 64 << 20,
    RING_MAX = 32 << 20, /* 4,000 creations on one CPU before they are read */
    RING_MIN = 4 << 20,
    STEP_MS = 100,
    END_MS = 10000,
    CONFIRM_SHARE = 10, /* of the time goes at most one part in so many into reading descriptors */
    MAX_PASSES = 50,    /* over the threads, until no pass finds a new one */
};

struct attach {
    pid_t pid;
    bool system_wide, adapts;
    uint32_t stack_bytes; /* that are copied at a creation */
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

/* A process that is about to end has no memory, and is no zombie for as long as that memory is freed. */
static bool ends(pid_t pid)
{
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    bool ended = end.fd < 0 || poll(&end, 1, END_MS) > 0;
    if (end.fd >= 0)
        close(end.fd);
    return ended || !process_exists(pid);
}

static void confirm(struct attach *attach, uint64_t until, bool soon)
{
    uint64_t begin = now_ns();
    if (!recorder_has_changed(attach->recorder) || (begin < attach->confirm_ns && !soon))
        return;
    recorder_confirm(attach->recorder, attach->reader, until);
    attach->confirm_ns = now_ns() + (now_ns() - begin) * CONFIRM_SHARE;
}

/* A process that is about to end has no thread to add, and missed nothing. */
static void keep_breakpoints(struct attach *attach)
{
    struct task_list list;
    bool missed, added = false;
    if (!perf_wants_threads(attach->perf, &missed) || !process_tasks(attach->pid, &list))
        return;
    for (size_t i = 0; i < list.count; i++)
        added = perf_add(attach->perf, list.tasks[i].tid) || added;
    if (missed && added)
        writer_lost(attach->writer, 1);
    task_list_release(&list);
}

static uint32_t twice(uint32_t bytes)
{
    return 2 * bytes < ATTACH_STACK_MAX ? 2 * bytes : ATTACH_STACK_MAX;
}

/* 99 of 100 stacks should be whole. Records that are older than the latest size do not count. */
static void adapt_copies(struct attach *attach)
{
    struct recorder_stacks stacks = recorder_stacks(attach->recorder);
    uint32_t bytes = twice(attach->stack_bytes);
    if (!attach->adapts || bytes == attach->stack_bytes || stacks.cut_bytes < attach->stack_bytes ||
        stacks.cut * 100 <= stacks.creations)
        return;
    attach->adapts = perf_set_stack(attach->perf, attach->probes.count - 1, bytes);
    if (attach->adapts)
        attach->stack_bytes = bytes;
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
        return ends(attach->pid) ? take_last(attach) : ATTACH_FAILED;
    if (recorder_has_execed(attach->recorder))
        return ATTACH_ENDED;
    keep_breakpoints(attach);
    adapt_copies(attach);
    confirm(attach, until, soon);
    return ATTACH_OK;
}

enum attach_status attach_step(struct attach *attach, struct error *error)
{
    perf_wait(attach->perf, STEP_MS);
    return take(attach, false, error);
}

enum attach_status attach_confirm(struct attach *attach, struct error *error)
{
    perf_wait(attach->perf, STEP_MS);
    return take(attach, true, error);
}

/* Of each CPU's ring. */
static size_t ring_bytes(void)
{
    size_t bytes = RING_MAX;
    while (bytes > RING_MIN && bytes * (size_t)sysconf(_SC_NPROCESSORS_CONF) > ALL_RINGS_BYTES)
        bytes /= 2;
    return bytes;
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

static bool find(struct attach *attach, struct error *error)
{
    if (!snapshot_open_memory(attach->pid, &attach->reader))
        return error_set(error, "process %d: its memory cannot be read: %s", (int)attach->pid,
                         strerror(errno));
    if (!probes_find(&attach->probes, attach->reader, attach->stack_bytes, error))
        return false;
    return nptl_read(&attach->nptl, attach->reader) ||
           error_set(error,
                     "process %d: its glibc does not export the layout of its threads (glibc 2.34 and "
                     "later do)",
                     (int)attach->pid);
}

static bool begin(struct attach *attach, struct error *error)
{
    if (!check(attach->pid, error) || !find(attach, error))
        return false;
    raise_file_limit();
    attach->perf =
        perf_new(attach->probes.items, attach->probes.count, ring_bytes(), attach->system_wide, error);
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
    attach->adapts = !options->stack_bytes;
    attach->stack_bytes = options->stack_bytes ? options->stack_bytes : ATTACH_STACK_FIRST;
    if (begin(attach, error))
        return attach;
    attach_free(attach);
    return NULL;
}

struct attach_counts attach_count(const struct attach *attach)
{
    const struct ledger_header *header = writer_header(attach->writer);
    struct attach_counts counts = {.created = header->next_serial - LEDGER_MAIN_SERIAL - 1,
                                   .lost = header->lost_events,
                                   .cut = recorder_stacks(attach->recorder).cut,
                                   .enough_bytes =
                                       attach->adapts ? attach->stack_bytes : twice(attach->stack_bytes),
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
