#include "attach/perf.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/perf_programs.h"
#include "base/array.h"
#include "base/clock.h"

/* The kernel takes the time of a record before it writes it, and is not preempted between. But a virtual CPU
 * can lose its processor there. */
#define SETTLE_NS 20000000ull

/* ---- the session ------------------------------------------------------------------------ */

/* An event that never happens gives the ring its descriptor. */
static bool add_ring(struct perf *perf, int cpu, size_t bytes)
{
    struct perf_event_attr attr = perf_common_attr();
    struct perf_ring *ring = &perf->rings[perf->ring_count];
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_DUMMY;
    attr.watermark = 1;
    attr.wakeup_watermark = (uint32_t)bytes / 4;
    int fd = perf_open_event(&attr, -1, cpu);
    if (fd < 0)
        return false;
    if (!perf_ring_map(ring, fd, cpu, bytes)) {
        close(fd);
        return false;
    }
    perf->ring_count++;
    return true;
}

static bool add_rings(struct perf *perf, size_t bytes, struct error *error)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    perf->rings = calloc((size_t)cpus, sizeof(*perf->rings));
    if (!perf->rings)
        return error_set(error, "out of memory");
    for (int cpu = 0; cpu < cpus; cpu++) {
        if (add_ring(perf, cpu, bytes) || errno == ENODEV) /* the CPU is offline */
            continue;
        if (errno == EACCES || errno == EPERM)
            return error_set(error, "no permission to use perf events: CAP_PERFMON is missing; run as root");
        return error_set(error, "cannot open perf events: %s", strerror(errno));
    }
    return true;
}

static bool define_probes(struct perf *perf, struct error *error)
{
    for (size_t i = 0; i < perf->probe_count; i++) {
        const struct perf_probe *probe = &perf->probes[i];
        if (!tracefs_define(&perf->tracefs, probe->path, probe->offset, probe->is_return, &perf->events[i]))
            return error_set(error, "cannot probe %s: %s", probe->path, strerror(errno));
    }
    return true;
}

struct perf *perf_new(const struct perf_probe *probes, size_t count, size_t ring_bytes, bool system_wide,
                      struct error *error)
{
    struct perf *perf = calloc(1, sizeof(*perf));
    if (!perf) {
        error_set(error, "out of memory");
        return NULL;
    }
    perf->probe_count = count;
    memcpy(perf->probes, probes, count * sizeof(*probes));
    if (!tracefs_open(&perf->tracefs, error) || !define_probes(perf, error) ||
        !add_rings(perf, ring_bytes, error)) {
        perf_free(perf);
        return NULL;
    }
    if (!system_wide)
        perf_load_programs(perf);
    return perf;
}

bool perf_add(struct perf *perf, pid_t tid)
{
    return perf->has_programs ? perf_hold(perf, tid) : perf_add_inherited(perf, tid);
}

void perf_free(struct perf *perf)
{
    if (!perf)
        return;
    perf_release_holders(perf);
    for (size_t i = 0; i < perf->fd_count; i++)
        close(perf->fds[i]);
    tracefs_close(&perf->tracefs);
    for (size_t i = 0; i < perf->ring_count; i++)
        perf_ring_unmap(&perf->rings[i]);
    for (size_t i = 0; i < perf->kept_count; i++)
        free(perf->kept[i].stack);
    free(perf->kept);
    free(perf->rings);
    free(perf->fds);
    free(perf->ids);
    free(perf);
}

bool perf_wants_threads(struct perf *perf, bool *missed)
{
    bool wants = perf->has_programs && perf->tasks_changed && perf->holder_count < PERF_HOLDERS;
    *missed = !perf->holder_count;
    perf->tasks_changed = false;
    return wants;
}

bool perf_set_stack(struct perf *perf, size_t probe, uint32_t bytes)
{
    return perf->has_programs && perf_copy_more(perf, probe, bytes);
}

/* ---- records ------------------------------------------------------------------------------ */

void perf_wait(const struct perf *perf, int ms)
{
    struct pollfd fds[perf->ring_count];
    for (size_t i = 0; i < perf->ring_count; i++)
        fds[i] = (struct pollfd){.fd = perf->rings[i].fd, .events = POLLIN};
    poll(fds, perf->ring_count, ms);
}

static int by_id(const void *a, const void *b)
{
    const struct perf_id *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int by_time(const void *a, const void *b)
{
    const struct perf_record *x = a, *y = b;
    return (x->ns > y->ns) - (x->ns < y->ns);
}

static bool drain(struct perf *perf)
{
    if (!perf->ids_sorted && perf->id_count)
        qsort(perf->ids, perf->id_count, sizeof(*perf->ids), by_id);
    perf->ids_sorted = true;
    struct perf_decoder decoder = {perf->ids, perf->id_count, perf->probes, perf_reg};
    for (size_t i = 0; i < perf->ring_count; i++) {
        while (perf_ring_next(&perf->rings[i])) {
            if (!ARRAY_GROW(perf->kept, perf->kept_count))
                return false;
            perf->kept_count += perf_decode(&decoder, &perf->rings[i], &perf->kept[perf->kept_count]);
        }
        perf_ring_release(&perf->rings[i]);
    }
    return true;
}

bool perf_read(struct perf *perf, bool all, struct perf_record **records, size_t *count, uint64_t *until)
{
    size_t ready = 0;
    *records = NULL;
    *count = 0;
    *until = now_ns() - (all ? 0 : SETTLE_NS);
    if (!drain(perf))
        return false;
    if (perf->kept_count) /* qsort takes no NULL */
        qsort(perf->kept, perf->kept_count, sizeof(*perf->kept), by_time);
    for (; ready < perf->kept_count && perf->kept[ready].ns < *until; ready++)
        perf_note_task(perf, &perf->kept[ready]);
    struct perf_record *later = NULL;
    size_t later_count = 0;
    for (size_t i = ready; i < perf->kept_count; i++) {
        if (!ARRAY_GROW(later, later_count)) {
            free(later);
            return false;
        }
        later[later_count++] = perf->kept[i];
    }
    *records = perf->kept;
    *count = ready;
    perf->kept = later;
    perf->kept_count = later_count;
    return true;
}
