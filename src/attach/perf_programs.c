#include "attach/perf_programs.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* ---- a program -------------------------------------------------------------------------------- */

/* bpf_perf_event_output(context, map, this CPU, 8 bytes), which the event does not record: its own
 * attributes ask for registers and stack. With 0, the event of the thread itself records nothing. */
static int load(int map)
{
    const struct bpf_insn code[] = {
        {.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8},
        {.code = BPF_LD | BPF_DW, .dst_reg = BPF_REG_2, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map},
        {.code = 0}, /* the upper half of the number above */
        {.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = -1 /* BPF_F_CURRENT_CPU */},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_4, .src_reg = BPF_REG_10},
        {.code = BPF_ALU64 | BPF_ADD, .dst_reg = BPF_REG_4, .imm = -8},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_5, .imm = 8},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_perf_event_output},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_KPROBE,
                           .insns = (uintptr_t)code,
                           .insn_cnt = sizeof(code) / sizeof(*code),
                           .license = (uintptr_t) "Dual MIT/GPL"};
    return bpf(BPF_PROG_LOAD, &attr);
}

static int new_map(const struct perf *perf)
{
    int cpus = 0;
    for (size_t i = 0; i < perf->ring_count; i++)
        if (perf->rings[i].cpu >= cpus)
            cpus = perf->rings[i].cpu + 1;
    union bpf_attr attr = {.map_type = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
                           .key_size = sizeof(int),
                           .value_size = sizeof(int),
                           .max_entries = (uint32_t)cpus};
    return bpf(BPF_MAP_CREATE, &attr);
}

static bool set_output(int map, int cpu, int event)
{
    union bpf_attr attr = {.map_fd = (uint32_t)map, .key = (uintptr_t)&cpu, .value = (uintptr_t)&event};
    return bpf(BPF_MAP_UPDATE_ELEM, &attr) == 0;
}

static bool add_output(struct perf *perf, size_t probe, int map, const struct perf_ring *ring)
{
    struct perf_event_attr attr = perf_probe_attr(perf, probe);
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_BPF_OUTPUT;
    int fd = perf_open_into(perf, &attr, -1, ring);
    return fd >= 0 && perf_keep_id(perf, fd, probe) && set_output(map, ring->cpu, fd);
}

static bool load_program(struct perf *perf, size_t probe)
{
    int map = new_map(perf);
    if (map < 0 || !perf_keep_fd(perf, map))
        return false;
    for (size_t i = 0; i < perf->ring_count; i++)
        if (!add_output(perf, probe, map, &perf->rings[i]))
            return false;
    perf->maps[probe] = map;
    perf->programs[probe] = load(map);
    return perf->programs[probe] >= 0 && perf_keep_fd(perf, perf->programs[probe]);
}

bool perf_load_programs(struct perf *perf)
{
    perf->has_programs = true;
    for (size_t probe = 0; perf->has_programs && probe < perf->probe_count; probe++)
        perf->has_programs = load_program(perf, probe);
    return perf->has_programs;
}

/* The events before stay open: their records can still be in the rings. */
bool perf_copy_more(struct perf *perf, size_t probe, uint32_t bytes)
{
    perf->probes[probe].stack = bytes;
    for (size_t i = 0; i < perf->ring_count; i++)
        if (!add_output(perf, probe, perf->maps[probe], &perf->rings[i]))
            return false;
    return true;
}

/* ---- breakpoints ------------------------------------------------------------------------------------ */

/* An event that is disabled has its breakpoint nevertheless, and costs its thread nothing. The first one of a
 * probe has the program for all hits, also once its thread has ended. */
static bool add_breakpoint(struct perf *perf, size_t probe, struct perf_holder *holder)
{
    struct perf_event_attr attr = perf_common_attr();
    attr.type = PERF_TYPE_TRACEPOINT;
    attr.config = perf->events[probe];
    attr.disabled = 1;
    int fd = perf_open_event(&attr, holder->tid, -1);
    if (fd < 0)
        return false;
    if (perf->programs[probe] < 0) {
        holder->fds[probe] = fd;
        return true;
    }
    if (!perf_keep_fd(perf, fd) || ioctl(fd, PERF_EVENT_IOC_SET_BPF, perf->programs[probe]) != 0)
        return false;
    perf->programs[probe] = -1;
    return true;
}

/* Starts, ends and names of all threads: an event a CPU costs less than one that threads inherit. */
static bool add_tasks(struct perf *perf)
{
    struct perf_event_attr attr = perf_common_attr();
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_DUMMY;
    attr.task = attr.comm = 1;
    for (size_t i = 0; i < perf->ring_count; i++)
        if (perf_open_into(perf, &attr, -1, &perf->rings[i]) < 0)
            return false;
    perf->has_tasks = true;
    return true;
}

static void close_holder(struct perf_holder *holder)
{
    for (size_t probe = 0; probe < PERF_MAX_PROBES; probe++)
        if (holder->fds[probe] >= 0)
            close(holder->fds[probe]);
}

static struct perf_holder *find_holder(struct perf *perf, pid_t tid)
{
    for (size_t i = 0; i < perf->holder_count; i++)
        if (perf->holders[i].tid == tid)
            return &perf->holders[i];
    return NULL;
}

bool perf_hold(struct perf *perf, pid_t tid)
{
    if (perf->holder_count == PERF_HOLDERS || find_holder(perf, tid))
        return true;
    struct perf_holder *holder = &perf->holders[perf->holder_count];
    holder->tid = tid;
    memset(holder->fds, -1, sizeof(holder->fds));
    for (size_t probe = 0; probe < perf->probe_count; probe++) {
        if (!add_breakpoint(perf, probe, holder)) {
            int reason = errno;
            close_holder(holder);
            errno = reason;
            return false;
        }
    }
    perf->holder_count++;
    return perf->has_tasks || add_tasks(perf);
}

void perf_release_holders(struct perf *perf)
{
    while (perf->holder_count)
        close_holder(&perf->holders[--perf->holder_count]);
}

void perf_note_task(struct perf *perf, const struct perf_record *record)
{
    struct perf_holder *holder = record->kind == PERF_END ? find_holder(perf, record->tid) : NULL;
    perf->tasks_changed = perf->tasks_changed || record->kind == PERF_END || record->kind == PERF_BEGIN;
    if (!holder)
        return;
    close_holder(holder);
    *holder = perf->holders[--perf->holder_count];
}
