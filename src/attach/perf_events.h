/* Private to perf.c and perf_programs.c: the events of a session. */
#ifndef THREADLEAK_ATTACH_PERF_EVENTS_H
#define THREADLEAK_ATTACH_PERF_EVENTS_H

#include <linux/perf_event.h>

#include "attach/perf_record.h"
#include "attach/ring.h"
#include "attach/tracefs.h"

/* A thread whose events keep the breakpoints in its process. */
struct perf_holder {
    pid_t tid;
    int fds[PERF_MAX_PROBES]; /* -1: the session closes it */
};
enum { PERF_HOLDERS = 8 };

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
    bool has_programs;
    int programs[PERF_MAX_PROBES]; /* -1: an event of its probe has it */
    int maps[PERF_MAX_PROBES];     /* the event of each CPU that records the hits */
    struct perf_holder holders[PERF_HOLDERS];
    size_t holder_count;
    bool has_tasks;     /* starts and ends are recorded */
    bool tasks_changed; /* since holders were added */
};

/* DWARF's number of a register in the kernel's numbers. */
unsigned perf_reg(unsigned dwarf);
struct perf_event_attr perf_common_attr(void);
/* With the registers and the stack of a probe. */
struct perf_event_attr perf_probe_attr(const struct perf *perf, size_t probe);
int perf_open_event(struct perf_event_attr *attr, pid_t tid, int cpu);
/* Opens it for the CPU of a ring, into which it writes. The session closes it. -1 with errno. */
int perf_open_into(struct perf *perf, struct perf_event_attr *attr, pid_t tid, const struct perf_ring *ring);
/* Samples with the id of this event are hits of the probe. */
bool perf_keep_id(struct perf *perf, int fd, size_t probe);
/* The session closes it. */
bool perf_keep_fd(struct perf *perf, int fd);

/* Events for a thread that its threads inherit; tid -1: for all processes. */
bool perf_add_inherited(struct perf *perf, pid_t tid);

#endif
