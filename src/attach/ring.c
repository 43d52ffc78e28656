#include "attach/ring.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool perf_ring_map(struct perf_ring *ring, int fd, int cpu, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *ring = (struct perf_ring){.fd = fd, .cpu = cpu, .size = bytes, .record = malloc(PERF_MAX_RECORD)};
    void *at = mmap(NULL, page + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!ring->record || at == MAP_FAILED) {
        free(ring->record);
        return false;
    }
    ring->page = at;
    ring->data = (unsigned char *)at + page;
    return true;
}

void perf_ring_unmap(struct perf_ring *ring)
{
    munmap(ring->page, (size_t)sysconf(_SC_PAGESIZE) + ring->size);
    free(ring->record);
    close(ring->fd);
}

static void copy(struct perf_ring *ring, void *to, size_t size)
{
    size_t at = ring->tail & (ring->size - 1), first = ring->size - at;
    if (first > size)
        first = size;
    memcpy(to, ring->data + at, first);
    memcpy((unsigned char *)to + first, ring->data, size - first);
}

bool perf_ring_next(struct perf_ring *ring)
{
    struct perf_event_header header;
    uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
    if (head - ring->tail < sizeof(header))
        return false;
    copy(ring, &header, sizeof(header));
    if (header.size < sizeof(header) || header.size > head - ring->tail)
        return false;
    copy(ring, ring->record, header.size);
    ring->record_size = header.size;
    ring->tail += header.size;
    return true;
}

void perf_ring_release(struct perf_ring *ring)
{
    __atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
}

/* ---- decoding ------------------------------------------------------------------------------ */

struct reader {
    const unsigned char *at;
    size_t left;
};

static bool take(struct reader *reader, void *to, size_t size)
{
    if (reader->left < size)
        return false;
    memcpy(to, reader->at, size);
    reader->at += size;
    reader->left -= size;
    return true;
}

/* The end of each record but a sample: { pid, tid } time id. */
static bool take_sample_id(const struct perf_ring *ring, struct perf_record *record)
{
    uint64_t words[3];
    if (ring->record_size < sizeof(words))
        return false;
    memcpy(words, ring->record + ring->record_size - sizeof(words), sizeof(words));
    record->ns = words[1];
    return true;
}

static bool decode_task(const struct perf_ring *ring, struct reader *reader, struct perf_record *record)
{
    uint32_t ids[4]; /* pid, ppid, tid, ptid */
    if (!take(reader, ids, sizeof(ids)) || !take_sample_id(ring, record))
        return false;
    record->pid = (pid_t)ids[0];
    record->tid = (pid_t)ids[2];
    record->by = (pid_t)ids[3];
    return true;
}

static bool decode_name(const struct perf_ring *ring, struct reader *reader, struct perf_record *record)
{
    uint32_t ids[2];
    if (!take(reader, ids, sizeof(ids)) || !take_sample_id(ring, record))
        return false;
    record->pid = (pid_t)ids[0];
    record->tid = (pid_t)ids[1];
    size_t size = reader->left < sizeof(record->name) ? reader->left : sizeof(record->name);
    memcpy(record->name, reader->at, size);
    record->name[sizeof(record->name) - 1] = 0;
    return true;
}

static bool decode_lost(const struct perf_ring *ring, struct reader *reader, struct perf_record *record)
{
    uint64_t words[2]; /* id, lost */
    if (!take(reader, words, sizeof(words)) || !take_sample_id(ring, record))
        return false;
    record->lost = words[1];
    return true;
}

static int compare_id(const void *key, const void *item)
{
    const struct perf_id *id = item;
    uint64_t wanted = *(const uint64_t *)key;
    return (wanted > id->id) - (wanted < id->id);
}

static bool take_regs(const struct perf_decoder *decoder, struct reader *reader, struct perf_record *record)
{
    uint64_t abi, values[64];
    unsigned place[64] = {0}, count = 0;
    uint64_t mask = 0;
    if (!take(reader, &abi, sizeof(abi)))
        return false;
    if (abi != PERF_SAMPLE_REGS_ABI_64)
        return abi == PERF_SAMPLE_REGS_ABI_NONE;
    for (unsigned i = 0; i < SNAPSHOT_REGS; i++)
        mask |= 1ull << decoder->reg(i);
    for (unsigned bit = 0; bit < 64; bit++)
        if (mask >> bit & 1)
            place[bit] = count++;
    if (!take(reader, values, count * sizeof(*values)))
        return false;
    for (unsigned i = 0; i < SNAPSHOT_REGS; i++)
        record->regs[i] = values[place[decoder->reg(i)]];
    record->has_regs = true;
    return true;
}

/* size, the bytes, and how many of them the kernel could read */
static bool take_stack(struct reader *reader, struct perf_record *record)
{
    uint64_t size, valid;
    if (!take(reader, &size, sizeof(size)))
        return false;
    if (size == 0)
        return true;
    if (size > reader->left || reader->left - size < sizeof(valid))
        return false;
    memcpy(&valid, reader->at + size, sizeof(valid));
    if (valid > size || !(record->stack = malloc(valid + 1)))
        return false;
    record->stack_size = (uint32_t)valid;
    memcpy(record->stack, reader->at, valid);
    return true;
}

static bool decode_hit(const struct perf_decoder *decoder, struct reader *reader, struct perf_record *record)
{
    uint64_t id;
    uint32_t ids[2];
    if (!take(reader, &id, sizeof(id)) || !take(reader, ids, sizeof(ids)) ||
        !take(reader, &record->ns, sizeof(record->ns)))
        return false;
    const struct perf_id *found =
        bsearch(&id, decoder->ids, decoder->id_count, sizeof(*decoder->ids), compare_id);
    if (!found)
        return false;
    record->probe = (unsigned)found->probe;
    record->pid = (pid_t)ids[0];
    record->tid = (pid_t)ids[1];
    return take_regs(decoder, reader, record) &&
           (!decoder->probes[found->probe].stack || take_stack(reader, record));
}

bool perf_decode(const struct perf_decoder *decoder, const struct perf_ring *ring, struct perf_record *record)
{
    struct perf_event_header header;
    struct reader reader = {ring->record, ring->record_size};
    *record = (struct perf_record){0};
    if (!take(&reader, &header, sizeof(header)))
        return false;
    switch (header.type) {
    case PERF_RECORD_SAMPLE:
        record->kind = PERF_HIT;
        return decode_hit(decoder, &reader, record);
    case PERF_RECORD_FORK:
        record->kind = PERF_BEGIN;
        return decode_task(ring, &reader, record);
    case PERF_RECORD_EXIT:
        record->kind = PERF_END;
        return decode_task(ring, &reader, record);
    case PERF_RECORD_COMM:
        record->kind = PERF_NAME;
        record->exec = header.misc & PERF_RECORD_MISC_COMM_EXEC;
        return decode_name(ring, &reader, record);
    case PERF_RECORD_LOST:
        record->kind = PERF_LOST;
        return decode_lost(ring, &reader, record);
    default:
        return false;
    }
}
