#include "evidence/stack_bytes.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "proc/address_space.h"
#include "proc/file.h"

/* Bits of an entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)

enum { PAGES_AT_ONCE = 512 };

static bool can_be_stack(const struct region *region)
{
    return region->writable && !region->shared && (!*region->path || text_begins_with(region->path, "[anon"));
}

/* The entries of these pages, in use; < 0: not readable. */
static int64_t count_pages(int pagemap, uint64_t first, size_t count)
{
    uint64_t entries[PAGES_AT_ONCE];
    int64_t used = 0;
    if (pread_all(pagemap, first * sizeof(*entries), entries, count * sizeof(*entries)) !=
        count * sizeof(*entries))
        return -1;
    for (size_t i = 0; i < count; i++)
        used += (entries[i] & (PAGE_PRESENT | PAGE_SWAPPED)) != 0;
    return used;
}

/* From the top, where a stack begins, to the first block of pages of which none is in use. */
static int64_t resident_of(int pagemap, const struct region *region, uint64_t page)
{
    uint64_t first = region->start / page, end = region->end / page, total = 0;
    while (end > first) {
        size_t count = end - first < PAGES_AT_ONCE ? (size_t)(end - first) : PAGES_AT_ONCE;
        int64_t used = count_pages(pagemap, end - count, count);
        if (used < 0)
            return -1;
        if (used == 0)
            break;
        total += (uint64_t)used;
        end -= count;
    }
    return (int64_t)(total * page);
}

static bool holds_stack(const struct ledger_slot *slot)
{
    return slot->handle && ledger_slot_kind(slot->state);
}

static void add_stack(struct stack_bytes *bytes, int pagemap, const struct region *region, uint64_t page)
{
    int64_t resident = pagemap < 0 ? -1 : resident_of(pagemap, region, page);
    bytes->reserved += (int64_t)(region->end - region->start);
    bytes->resident = resident < 0 || bytes->resident < 0 ? -1 : bytes->resident + resident;
}

/* Handles and regions are both in ascending order. Several stacks can be in one mapping. */
static void add_stacks(struct stack_bytes *bytes, int pagemap, const struct address_space *space,
                       const struct thread_index *threads)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const struct region *last = NULL;
    size_t at = 0;
    for (size_t i = 0; i < threads->count; i++) {
        const struct ledger_slot *slot = threads->by_handle[i];
        if (!holds_stack(slot))
            continue;
        while (at < space->count && space->regions[at].end <= slot->handle)
            at++;
        if (at == space->count)
            return;
        const struct region *region = &space->regions[at];
        if (region->start <= slot->handle && region != last && can_be_stack(region))
            add_stack(bytes, pagemap, last = region, page);
    }
}

void stack_bytes_read(struct stack_bytes *bytes, pid_t pid, const struct thread_index *threads)
{
    struct address_space space;
    pid_t task;
    *bytes = (struct stack_bytes){-1, -1, -1};
    if (!address_space_of_process(&space, pid, &task))
        return;
    int pagemap = open(PROC_PATH("%d/pagemap", task), O_RDONLY | O_CLOEXEC);
    *bytes = (struct stack_bytes){0, 0, (int64_t)space.count};
    add_stacks(bytes, pagemap, &space, threads);
    if (pagemap >= 0)
        close(pagemap);
    else
        bytes->resident = -1;
    address_space_release(&space);
}
