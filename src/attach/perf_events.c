#include "attach/perf_events.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"

/* ---- what an event records ----------------------------------------------------------------- */

#if defined(__x86_64__)
static const unsigned char perf_regs[SNAPSHOT_REGS] = {
    PERF_REG_X86_AX,  PERF_REG_X86_DX,  PERF_REG_X86_CX,  PERF_REG_X86_BX,  PERF_REG_X86_SI,
    PERF_REG_X86_DI,  PERF_REG_X86_BP,  PERF_REG_X86_SP,  PERF_REG_X86_R8,  PERF_REG_X86_R9,
    PERF_REG_X86_R10, PERF_REG_X86_R11, PERF_REG_X86_R12, PERF_REG_X86_R13, PERF_REG_X86_R14,
    PERF_REG_X86_R15, PERF_REG_X86_IP};
unsigned perf_reg(unsigned dwarf)
{
    return perf_regs[dwarf];
}
#else
unsigned perf_reg(unsigned dwarf)
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

struct perf_event_attr perf_common_attr(void)
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

struct perf_event_attr perf_probe_attr(const struct perf *perf, size_t index)
{
    const struct perf_probe *probe = &perf->probes[index];
    struct perf_event_attr attr = perf_common_attr();
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

/* ---- opening it ---------------------------------------------------------------------------------- */

bool perf_keep_fd(struct perf *perf, int fd)
{
    if (ARRAY_GROW(perf->fds, perf->fd_count)) {
        perf->fds[perf->fd_count++] = fd;
        return true;
    }
    close(fd);
    errno = ENOMEM;
    return false;
}

bool perf_keep_id(struct perf *perf, int fd, size_t probe)
{
    uint64_t id;
    if (ioctl(fd, PERF_EVENT_IOC_ID, &id) != 0 || !ARRAY_GROW(perf->ids, perf->id_count))
        return false;
    perf->ids[perf->id_count++] = (struct perf_id){id, probe};
    perf->ids_sorted = false;
    return true;
}

int perf_open_event(struct perf_event_attr *attr, pid_t tid, int cpu)
{
    return (int)syscall(SYS_perf_event_open, attr, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

int perf_open_into(struct perf *perf, struct perf_event_attr *attr, pid_t tid, const struct perf_ring *ring)
{
    int fd = perf_open_event(attr, tid, ring->cpu);
    if (fd < 0 || !perf_keep_fd(perf, fd))
        return -1;
    return ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd) == 0 ? fd : -1;
}

/* ---- inherited events ------------------------------------------------------------------------------ */

static bool add_probe(struct perf *perf, size_t index, pid_t tid, const struct perf_ring *ring)
{
    struct perf_event_attr attr = perf_probe_attr(perf, index);
    bool last = index == perf->probe_count - 1;
    attr.inherit = tid != -1;
    attr.task = attr.comm = last;
    int fd = perf_open_into(perf, &attr, tid, ring);
    return fd >= 0 && perf_keep_id(perf, fd, index);
}

bool perf_add_inherited(struct perf *perf, pid_t tid)
{
    for (size_t probe = 0; probe < perf->probe_count; probe++)
        for (size_t i = 0; i < perf->ring_count; i++)
            if (!add_probe(perf, probe, tid, &perf->rings[i]))
                return false;
    return true;
}
