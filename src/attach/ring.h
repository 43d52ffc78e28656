/* The ring of one CPU, into which the kernel writes records: linux/perf_event.h. */
#ifndef THREADLEAK_ATTACH_RING_H
#define THREADLEAK_ATTACH_RING_H

#include "attach/perf_record.h"

enum { PERF_MAX_RECORD = 1 << 16 };

struct perf_event_mmap_page;

struct perf_ring {
    int fd, cpu;
    struct perf_event_mmap_page *page;
    unsigned char *data;
    size_t size;           /* of the data */
    uint64_t tail;         /* up to here records were taken */
    unsigned char *record; /* the current one, in one piece */
    size_t record_size;
};

/* Takes over the descriptor. False with errno; then the descriptor stays the caller's. */
bool perf_ring_map(struct perf_ring *ring, int fd, int cpu, size_t bytes);
void perf_ring_unmap(struct perf_ring *ring);
/* Copies the next record. False: there is none. */
bool perf_ring_next(struct perf_ring *ring);
/* Lets the kernel reuse what was taken. */
void perf_ring_release(struct perf_ring *ring);

/* The probe of an event. */
struct perf_id {
    uint64_t id;
    size_t probe;
};
struct perf_decoder {
    const struct perf_id *ids; /* ascending */
    size_t id_count;
    const struct perf_probe *probes;
    unsigned (*reg)(unsigned dwarf); /* the kernel's number of a register */
};

/* False: it is a record of another kind, or damaged. */
bool perf_decode(const struct perf_decoder *decoder, const struct perf_ring *ring,
                 struct perf_record *record);

#endif
