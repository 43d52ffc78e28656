#include "snapshot/core.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshot/memory.h"
#include "snapshot/regs.h"

enum {
    KB = 1024,
    MB = 1024 * KB,
    COPIED_BYTES = 64 * MB, /* of all stacks; what is beyond is read when asked for */
    LEAST_COPY = 4 * KB,
    MAX_COPY = 16 * MB,
    RED_ZONE = 128, /* below sp, in use on x86_64 */
    /* A file of a few bytes can claim any amount of memory (it is sparse, or all of its
     * segments are the same ones), and nobody would wait for the end of it. */
    READ_BYTES = 1024 * MB,
    PAGE = 4 * KB,
    PAGES = 64,
};

/* What is read is mostly a word of a stack or an instruction, near the one before. */
struct core_page {
    uint64_t start;
    size_t size; /* 0: none */
    unsigned char bytes[PAGE];
};

/* ---- memory ---------------------------------------------------------------------- */

/* Of a file that is mapped read-only, what was not dumped. */
static size_t read_image(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    const struct region *region = address_space_find(&snapshot->space, address);
    if (!region || region->writable || !region->readable || !region->path[0])
        return 0;
    int fd = snapshot_core_image(snapshot, region);
    uint64_t offset = region->offset + (address - region->start);
    if (size > region->end - address)
        size = region->end - address;
    if (fd < 0 || offset > INT64_MAX - size)
        return 0;
    ssize_t n = pread(fd, to, size, (off_t)offset);
    return n > 0 ? (size_t)n : 0;
}

static size_t read_anew(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    size_t done = 0, got = 1;
    while (done < size && got) {
        got = core_file_read(snapshot->core->core, address + done, (char *)to + done, size - done);
        if (!got)
            got = read_image(snapshot, address + done, (char *)to + done, size - done);
        done += got;
    }
    return done;
}

/* NULL: not all of it is in one page, or it is not to be had. */
static const unsigned char *find_in_page(const struct snapshot *snapshot, uint64_t address, size_t size)
{
    uint64_t in_page = address % PAGE, start = address - in_page;
    struct core_page *page = &snapshot->core->pages[address / PAGE % PAGES];
    if (in_page + size > PAGE)
        return NULL;
    if (page->size == 0 || page->start != start) {
        page->start = start;
        page->size = read_anew(snapshot, start, page->bytes, PAGE);
    }
    return in_page + size <= page->size ? page->bytes + in_page : NULL;
}

static size_t read_core(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    struct snapshot_core *core = snapshot->core;
    if (size > core->left)
        size = core->left;
    const unsigned char *found = find_in_page(snapshot, address, size);
    if (found)
        memcpy(to, found, size);
    size_t done = found ? size : read_anew(snapshot, address, to, size);
    core->left -= done;
    return done;
}

/* ---- threads ---------------------------------------------------------------------- */

static int by_tid(const void *a, const void *b)
{
    const struct snapshot_thread *x = a, *y = b;
    return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static void copy_stack(struct snapshot *snapshot, struct snapshot_arena *arena,
                       struct snapshot_thread *thread, uint64_t most)
{
    const struct region *region = address_space_find(&snapshot->space, thread->sp);
    uint64_t below = region && thread->sp - region->start < RED_ZONE ? thread->sp - region->start : RED_ZONE;
    struct snapshot_copy *copy = &thread->stack;
    copy_plan(snapshot, arena, copy, thread->sp - below, most);
    if (copy->size)
        copy->size = core_file_read(snapshot->core->core, copy->start, copy->bytes, copy->size);
}

static bool make_threads(struct snapshot *snapshot, const struct core_file *core)
{
    size_t count = core->thread_count, kept = 0;
    uint64_t each = COPIED_BYTES / count;
    each = each < LEAST_COPY ? LEAST_COPY : each > MAX_COPY ? MAX_COPY : each;
    struct snapshot_arena *arena = arena_new(snapshot, count * each, 0);
    snapshot->threads = calloc(count, sizeof(*snapshot->threads));
    if (!arena || !snapshot->threads)
        return false;
    for (size_t i = 0; i < count; i++) {
        snapshot->threads[i].tid = core->threads[i].tid;
        snapshot_set_regs(&snapshot->threads[i], core->threads[i].regs);
    }
    qsort(snapshot->threads, count, sizeof(*snapshot->threads), by_tid);
    for (size_t i = 0; i < count; i++)
        if (!kept || snapshot->threads[kept - 1].tid != snapshot->threads[i].tid)
            snapshot->threads[kept++] = snapshot->threads[i];
    snapshot->count = kept;
    for (size_t i = 0; i < kept; i++) {
        copy_stack(snapshot, arena, &snapshot->threads[i], each);
        snapshot_resolve_restarted(snapshot, &snapshot->threads[i]);
        snapshot_check_syscall(snapshot, &snapshot->threads[i]);
    }
    return true;
}

enum snapshot_status snapshot_open_core(const struct core_file *core, struct snapshot **snapshot,
                                        struct error *error)
{
    *snapshot = NULL;
    if (core->thread_count == 0) {
        error_set(error, "%s", core->notice.text);
        return SNAPSHOT_FAILED;
    }
    struct snapshot *made = calloc(1, sizeof(*made));
    if (made) {
        made->pid = core->pid;
        made->read = read_core;
        made->complete = !core->notice.text[0];
        made->core = calloc(1, sizeof(*made->core));
    }
    if (made && made->core) {
        made->core->core = core;
        made->core->left = READ_BYTES;
        made->core->pages = calloc(PAGES, sizeof(*made->core->pages));
        if (made->core->pages && core_space_make(&made->space, core) && make_threads(made, core)) {
            *snapshot = made;
            return SNAPSHOT_OK;
        }
    }
    snapshot_free(made);
    error_set(error, "%s: out of memory", core->path);
    return SNAPSHOT_FAILED;
}
