#include "snapshot/core.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshot/copy.h"
#include "snapshot/regs.h"
#include "snapshot/source.h"

enum {
    KB = 1024,
    MB = 1024 * KB,
    COPIED_BYTES = 64 * MB, /* bytes of all stacks; the rest is read when it is needed */
    /* A file of a few bytes can claim any amount of memory: it is sparse, or its segments
     * overlap.  This bounds the time that reading takes. */
    READ_BYTES = 1024 * MB,
    PAGE = 4 * KB,
    PAGES = 64,
};

/* Most reads are short, and close to the previous one. */
struct core_page {
    uint64_t start;
    size_t size; /* 0: none */
    unsigned char bytes[PAGE];
};

/* ---- memory ---------------------------------------------------------------------- */

/* Reads a read-only mapping that was not dumped from its file. */
static size_t read_image(const struct snapshot *snapshot, uint64_t address, void *to, size_t size)
{
    const struct region *region = address_space_find(&snapshot->space, address);
    if (!region || region->writable || !region->readable || !region->path[0])
        return 0;
    int fd = core_image_of(snapshot->source_data, &snapshot->space, region);
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
    const struct snapshot_core *core = snapshot->source_data;
    size_t done = 0, got = 1;
    while (done < size && got) {
        got = core_file_read(core->file, address + done, (char *)to + done, size - done);
        if (!got)
            got = read_image(snapshot, address + done, (char *)to + done, size - done);
        done += got;
    }
    return done;
}

/* NULL: it is not in one page, or it cannot be read. */
static const unsigned char *find_in_page(const struct snapshot *snapshot, uint64_t address, size_t size)
{
    uint64_t in_page = address % PAGE, start = address - in_page;
    const struct snapshot_core *core = snapshot->source_data;
    struct core_page *page = &core->pages[address / PAGE % PAGES];
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
    struct snapshot_core *core = snapshot->source_data;
    if (size > core->readable)
        size = core->readable;
    const unsigned char *found = find_in_page(snapshot, address, size);
    if (found)
        memcpy(to, found, size);
    size_t done = found ? size : read_anew(snapshot, address, to, size);
    core->readable -= done;
    return done;
}

/* ---- threads ---------------------------------------------------------------------- */

static int by_tid(const void *a, const void *b)
{
    const struct snapshot_thread *x = a, *y = b;
    return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static void copy_stack(struct snapshot *snapshot, struct snapshot_arena *arena,
                       struct snapshot_thread *thread, uint64_t max_size)
{
    const struct snapshot_core *core = snapshot->source_data;
    struct snapshot_copy *copy = &thread->stack;
    copy_plan(snapshot, arena, copy, thread->sp, COPY_RED_ZONE, max_size);
    if (copy->size)
        copy->size = core_file_read(core->file, copy->start, copy->bytes, copy->size);
}

static bool make_threads(struct snapshot *snapshot, const struct core_file *core)
{
    size_t count = core->thread_count, kept = 0;
    uint64_t each = copy_share(COPIED_BYTES, count);
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

/* ---- the source ------------------------------------------------------------------- */

static bool find_file(const struct snapshot *snapshot, const struct region *region,
                      snapshot_accept_fn *accept, void *arg)
{
    int fd = core_image_of(snapshot->source_data, &snapshot->space, region);
    int copy = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    return copy >= 0 && accept(arg, copy);
}

static void free_data(void *data)
{
    struct snapshot_core *core = data;
    if (!core)
        return;
    core_images_release(core);
    free(core->pages);
    free(core);
}

static const struct snapshot_source core_source = {
    .read = read_core,
    .find_file = find_file,
    .free_data = free_data,
    .is_frozen = true,
    .is_partial = true,
};

static struct snapshot_core *new_data(const struct core_file *file)
{
    struct snapshot_core *core = calloc(1, sizeof(*core));
    struct core_page *pages = calloc(PAGES, sizeof(*pages));
    if (core && pages) {
        *core = (struct snapshot_core){.file = file, .pages = pages, .readable = READ_BYTES};
        return core;
    }
    free(core);
    free(pages);
    return NULL;
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
        made->complete = !core->notice.text[0];
        made->source = &core_source;
        made->source_data = new_data(core);
    }
    if (made && made->source_data && core_space_make(&made->space, core) && make_threads(made, core)) {
        *snapshot = made;
        return SNAPSHOT_OK;
    }
    snapshot_free(made);
    error_set(error, "%s: out of memory", core->path);
    return SNAPSHOT_FAILED;
}
