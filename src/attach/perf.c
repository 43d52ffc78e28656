#include "attach/perf.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attach/ring.h"
#include "attach/tracefs.h"
#include "base/array.h"
#include "base/clock.h"

/* The kernel takes the time of a record before it writes it, and is not preempted between. But a virtual CPU
 * can lose its processor there. */
#define SETTLE_NS 20000000ull

struct perf {
    struct perf_probe probes[PERF_MAX_PROBES];
    size_t probe_count;
    uint64_t events[PERF_MAX_PROBES]; /* trace events of the probes */
    struct tracefs tracefs;
    struct perf_ring *rings; /* one a CPU that is online */
    size_t ring_count;
    int *fds;
    size_t fd_count;
    struct perf_id *ids; /* by id, once sorted */
    size_t id_count;
    bool ids_sorted;
    struct perf_record *kept; /* records that are not old enough */
    size_t kept_count;
};

/* ---- one event ------------------------------------------------------------------------- */

#if defined(__x86_64__)
static const unsigned char perf_regs[SNAPSHOT_REGS] = {
    PERF_REG_X86_AX,  PERF_REG_X86_DX,  PERF_REG_X86_CX,  PERF_REG_X86_BX,  PERF_REG_X86_SI,
    PERF_REG_X86_DI,  PERF_REG_X86_BP,  PERF_REG_X86_SP,  PERF_REG_X86_R8,  PERF_REG_X86_R9,
    PERF_REG_X86_R10, PERF_REG_X86_R11, PERF_REG_X86_R12, PERF_REG_X86_R13, PERF_REG_X86_R14,
    PERF_REG_X86_R15, PERF_REG_X86_IP};
static unsigned perf_reg(unsigned dwarf)
{
    return perf_regs[dwarf];
}
#else
static unsigned perf_reg(unsigned dwarf)
{
    return dwarf;
}
#endif

static uint64_t regs_mask(void)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < SNAPSHOT_REGS; i++)
        mask |= 1ull << perf_reg(i);
    return mask;
}

static struct perf_event_attr common_attr(void)
{
    return (struct perf_event_attr){
        .size = sizeof(struct perf_event_attr),
        .sample_period = 1,
        .sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
        .sample_id_all = 1,
        .use_clockid = 1,
        .clockid = CLOCK_MONOTONIC,
    };
}

static struct perf_event_attr probe_attr(const struct perf *perf, size_t index)
{
    const struct perf_probe *probe = &perf->probes[index];
    struct perf_event_attr attr = common_attr();
    attr.type = PERF_TYPE_TRACEPOINT;
    attr.config = perf->events[index];
    attr.sample_type |= PERF_SAMPLE_REGS_USER;
    attr.sample_regs_user = regs_mask();
    if (probe->stack) {
        attr.sample_type |= PERF_SAMPLE_STACK_USER;
        attr.sample_stack_user = probe->stack;
    }
    return attr;
}

static bool keep_fd(struct perf *perf, int fd)
{
    if (!ARRAY_GROW(perf->fds, perf->fd_count))
        return false;
    perf->fds[perf->fd_count++] = fd;
    return true;
}

static bool keep_id(struct perf *perf, int fd, size_t probe)
{
    uint64_t id;
    if (ioctl(fd, PERF_EVENT_IOC_ID, &id) != 0 || !ARRAY_GROW(perf->ids, perf->id_count))
        return false;
    perf->ids[perf->id_count++] = (struct perf_id){id, probe};
    perf->ids_sorted = false;
    return true;
}

static int open_event(struct perf_event_attr *attr, pid_t tid, int cpu)
{
    return (int)syscall(SYS_perf_event_open, attr, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static bool add_probe(struct perf *perf, size_t index, pid_t tid, const struct perf_ring *ring)
{
    struct perf_event_attr attr = probe_attr(perf, index);
    bool last = index == perf->probe_count - 1;
    attr.inherit = tid != -1;
    attr.task = attr.comm = last;
    int fd = open_event(&attr, tid, ring->cpu);
    if (fd < 0)
        return false;
    if (!keep_fd(perf, fd)) {
        close(fd);
        errno = ENOMEM;
        return false;
    }
    return ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd) == 0 && keep_id(perf, fd, index);
}

bool perf_add(struct perf *perf, pid_t tid)
{
    for (size_t probe = 0; probe < perf->probe_count; probe++)
        for (size_t i = 0; i < perf->ring_count; i++)
            if (!add_probe(perf, probe, tid, &perf->rings[i]))
                return false;
    return true;
}

/* ---- the session ------------------------------------------------------------------------ */

/* An event that never happens gives the ring its descriptor. */
static bool add_ring(struct perf *perf, int cpu, size_t bytes)
{
    struct perf_event_attr attr = common_attr();
    struct perf_ring *ring = &perf->rings[perf->ring_count];
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_DUMMY;
    attr.watermark = 1;
    attr.wakeup_watermark = (uint32_t)bytes / 4;
    int fd = open_event(&attr, -1, cpu);
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

struct perf *perf_new(const struct perf_probe *probes, size_t count, size_t ring_bytes, struct error *error)
{
    struct perf *perf = calloc(1, sizeof(*perf));
    if (!perf) {
        error_set(error, "out of memory");
        return NULL;
    }
    perf->probe_count = count;
    memcpy(perf->probes, probes, count * sizeof(*probes));
    if (tracefs_open(&perf->tracefs, error) && define_probes(perf, error) &&
        add_rings(perf, ring_bytes, error))
        return perf;
    perf_free(perf);
    return NULL;
}

void perf_free(struct perf *perf)
{
    if (!perf)
        return;
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
    while (ready < perf->kept_count && perf->kept[ready].ns < *until)
        ready++;
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
