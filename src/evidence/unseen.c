#include "evidence/unseen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/file.h"
#include "proc/own_tids.h"
#include "proc/tasks.h"

#define DESCRIPTOR_MAX 4096 /* of glibc it is about 2300 bytes */

struct memory {
    int fd;                       /* of /proc/PID/mem */
    const struct core_file *core; /* not NULL: fd is not used */
    int32_t tid_offset, words_offset;
    uint64_t births, births_end; /* addresses */
    struct own_tids tids;        /* the index has the tids here, and descriptors have the others */
};

enum read_result { READ_WHOLE, READ_GONE, READ_UNKNOWN };

static bool find_offsets(struct memory *memory, const struct ledger_header *header)
{
    memory->tid_offset = header->tid_offset;
    memory->words_offset = header->start_offset - DESCRIPTOR_START * (int32_t)sizeof(uint64_t);
    memory->births = header->births;
    memory->births_end = header->births_end;
    return memory->tid_offset >= 0 && memory->tid_offset < DESCRIPTOR_MAX && memory->words_offset >= 0 &&
           memory->words_offset < DESCRIPTOR_MAX;
}

static enum read_result read_at(const struct memory *memory, uint64_t address, void *to, size_t size)
{
    if (memory->core)
        return core_file_read(memory->core, address, to, size) == size ? READ_WHOLE : READ_UNKNOWN;
    ssize_t n = pread(memory->fd, to, size, (off_t)address);
    if (n == (ssize_t)size)
        return READ_WHOLE;
    return n > 0 || (n < 0 && (errno == EIO || errno == EFAULT)) ? READ_GONE : READ_UNKNOWN;
}

static enum read_result read_descriptor(const struct memory *memory, uint64_t handle,
                                        struct ledger_descriptor *now)
{
    enum read_result result =
        read_at(memory, handle + (uint64_t)memory->tid_offset, &now->tid, sizeof(now->tid));
    if (result == READ_WHOLE)
        result = read_at(memory, handle + (uint64_t)memory->words_offset, now->words, sizeof(now->words));
    if (result == READ_WHOLE && now->tid > 0)
        now->tid = own_tids_find(&memory->tids, now->tid);
    return result;
}

/* The SLOT_* that the descriptor proves and the slot does not have. */
static uint32_t proved(const struct memory *memory, const struct ledger_slot *slot)
{
    struct ledger_descriptor now;
    if (!ledger_is_provable(slot->state) || !slot->handle)
        return 0;
    switch (read_descriptor(memory, slot->handle, &now)) {
    case READ_GONE:
        return ledger_gone(slot->state) & ~slot->state;
    case READ_WHOLE:
        return ledger_proved(&now, slot, slot->state, memory->births, memory->births_end) & ~slot->state;
    case READ_UNKNOWN:
        break;
    }
    return 0;
}

static const struct ledger_slot *find_same(const struct thread_index *index, const struct ledger_slot *slot)
{
    const struct ledger_slot *found = thread_index_find(index, slot->tid);
    for (; found && found < index->slots + index->count && found->tid == slot->tid; found++)
        if (found->serial == slot->serial)
            return found;
    return NULL;
}

/* A thread records its end before its task ends. `later` was copied after the tasks had ended. So a thread
 * that has no end there never recorded it. */
static void mark_ended(struct thread_index *index, const uint32_t *more, const struct thread_index *later)
{
    for (size_t i = 0; i < index->count; i++) {
        struct ledger_slot *slot = &index->slots[i];
        if (!(more[i] & SLOT_ENDED))
            continue;
        const struct ledger_slot *now = find_same(later, slot);
        if (!now) /* the slot is free now: join and end were recorded */
            slot->state |= SLOT_JOINED | SLOT_ENDED;
        else
            slot->state |= (now->state & (SLOT_ENDED | SLOT_JOINED | SLOT_DETACHED)) | more[i];
    }
}

static bool check(struct thread_index *index, const struct memory *memory, uint32_t *more)
{
    bool any_ended = false;
    for (size_t i = 0; i < index->count; i++) {
        more[i] = proved(memory, &index->slots[i]);
        any_ended |= (more[i] & SLOT_ENDED) != 0;
        if (!(more[i] & SLOT_ENDED))
            index->slots[i].state |= more[i];
    }
    return any_ended;
}

static void check_ended(struct thread_index *index, pid_t pid, const uint32_t *more)
{
    struct ledger *ledger;
    struct thread_index later;
    struct error ignored;
    if (ledger_open_process(pid, &ledger, &ignored) != LEDGER_OPEN_OK)
        return;
    if (thread_index_read(&later, ledger)) {
        mark_ended(index, more, &later);
        thread_index_release(&later);
    }
    ledger_close(ledger);
}

void unseen_in_process(struct thread_index *index, pid_t pid, const struct ledger_header *header)
{
    struct memory memory = {.core = NULL};
    uint32_t *more = calloc(index->count + 1, sizeof(*more));
    if (!more || !find_offsets(&memory, header)) {
        free(more);
        return;
    }
    own_tids_read(&memory.tids, pid);
    memory.fd = open(PROC_PATH("%d/mem", task_with_memory(pid)), O_RDONLY | O_CLOEXEC);
    if (memory.fd >= 0 && check(index, &memory, more))
        check_ended(index, pid, more);
    if (memory.fd >= 0)
        close(memory.fd);
    own_tids_release(&memory.tids);
    free(more);
}

void unseen_in_core(struct thread_index *index, const struct core_file *core,
                    const struct ledger_header *header)
{
    struct memory memory = {.fd = -1, .core = core};
    if (!find_offsets(&memory, header))
        return;
    for (size_t i = 0; i < index->count; i++)
        index->slots[i].state |= proved(&memory, &index->slots[i]);
}
