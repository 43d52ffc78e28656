#include "nptl/nptl.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/path.h"
#include "snapshot/dynamic.h"
#include "snapshot/elf.h"

enum { MAX_THREADS = 1 << 18 /* bounds the walk in a hostile process */ };

/* ---- the layout --------------------------------------------------------------------------- */

/* The descriptors of nptl_db (nptl/db_info.c) are {bits, count, offset}. */
static uint64_t offset_of(const struct snapshot_dynamic *libc, const char *name)
{
    uint32_t field[3] = {0};
    uint64_t address = snapshot_dynamic_find(libc, name);
    return address && snapshot_read_live(libc->snapshot, address, field, sizeof(field)) ? field[2] : 0;
}

static void read_offsets(struct nptl *nptl, const struct snapshot_dynamic *libc)
{
    uint32_t size = 0;
    uint64_t address = snapshot_dynamic_find(libc, "_thread_db_sizeof_pthread");
    if (address)
        snapshot_read_live(libc->snapshot, address, &size, sizeof(size));
    nptl->size = size;
    nptl->list = offset_of(libc, "_thread_db_pthread_list");
    nptl->tid = offset_of(libc, "_thread_db_pthread_tid");
    nptl->cancelhandling = offset_of(libc, "_thread_db_pthread_cancelhandling");
    nptl->start = offset_of(libc, "_thread_db_pthread_start_routine");
    nptl->dtv = offset_of(libc, "_thread_db_pthread_dtvp");
    /* struct pthread: joinid, result, schedparam */
    uint64_t priority = offset_of(libc, "_thread_db_pthread_schedparam_sched_priority");
    nptl->result = priority > 8 ? priority - 8 : 0;
    /* In _rtld_global, until nptl_place_lists(). */
    nptl->used = offset_of(libc, "_thread_db_rtld_global__dl_stack_used");
    nptl->user = offset_of(libc, "_thread_db_rtld_global__dl_stack_user");
}

bool nptl_place_lists(struct nptl *nptl, uint64_t rtld_global)
{
    /* The list of free stacks follows the other two. */
    bool known = rtld_global && nptl->size && nptl->list && nptl->tid && nptl->cancelhandling &&
                 nptl->user == nptl->used + 16;
    nptl->used = known ? rtld_global + nptl->used : 0;
    nptl->user = known ? rtld_global + nptl->user : 0;
    nptl->cache = known ? nptl->user + 16 : 0;
    return known;
}

/* Of struct link_map. */
enum { BIAS = 0, NEXT = 24, MAX_MODULES = 4096 };

/* _rtld_global begins with the list of modules. */
static uint64_t find_link_map(const struct snapshot_dynamic *libc, uint64_t rtld_global)
{
    uint64_t map = 0, bias;
    snapshot_read_live(libc->snapshot, rtld_global, &map, sizeof(map));
    for (int i = 0; map && i < MAX_MODULES; i++) {
        if (!snapshot_read_live(libc->snapshot, map + BIAS, &bias, sizeof(bias)))
            return 0;
        if (bias == libc->bias)
            return map;
        if (!snapshot_read_live(libc->snapshot, map + NEXT, &map, sizeof(map)))
            return 0;
    }
    return 0;
}

bool nptl_find_errno(const struct nptl *nptl, const struct snapshot_dynamic *libc, uint64_t rtld_global,
                     int64_t *offset)
{
    uint64_t variable = snapshot_dynamic_find(libc, "errno"), block = 0;
    uint64_t field = offset_of(libc, "_thread_db_link_map_l_tls_offset");
    uint64_t map = variable && field && nptl->size ? find_link_map(libc, rtld_global) : 0;
    if (!map || !snapshot_read_live(libc->snapshot, map + field, &block, sizeof(block)))
        return false;
    variable -= libc->bias;
#if defined(__x86_64__)
    *offset = (int64_t)(variable - block);
#else
    *offset = (int64_t)(nptl->size + block + variable);
#endif
    return true;
}

bool nptl_read_libc(struct nptl *nptl, const struct snapshot_dynamic *libc)
{
    *nptl = (struct nptl){0};
    read_offsets(nptl, libc);
    return nptl->size != 0;
}

static bool is_module(const struct region *region)
{
    return region->offset == 0 && region->path[0] == '/' && strstr(path_basename(region->path), ".so");
}

bool nptl_read(struct nptl *nptl, const struct snapshot *snapshot)
{
    struct snapshot_dynamic dynamic;
    struct snapshot_elf elf;
    uint64_t rtld_global = 0;
    *nptl = (struct nptl){0};
    for (size_t i = 0; i < snapshot->space.count && (!rtld_global || !nptl->size); i++) {
        const struct region *region = &snapshot->space.regions[i];
        if (!is_module(region) || !snapshot_read_elf(snapshot, region, &elf) ||
            !snapshot_dynamic_read(&dynamic, snapshot, &elf))
            continue;
        if (strcmp(path_basename(region->path), "libc.so.6") == 0)
            nptl_read_libc(nptl, &dynamic);
        else if (!rtld_global)
            rtld_global = snapshot_dynamic_find(&dynamic, "_rtld_global");
    }
    return nptl_place_lists(nptl, rtld_global);
}

/* ---- descriptors ---------------------------------------------------------------------------- */

/* One of the two words of 32 and 24 bytes before the start routine is joinid, which is the descriptor itself
 * in a detached thread. Which one depends on the version. */
enum { BEFORE_START = 32, MAX_PART = 8192 };

/* The part of a descriptor that is read, in one call. */
struct part {
    uint64_t from, to; /* offsets */
    unsigned char bytes[MAX_PART];
};

static bool has_start(const struct nptl *nptl)
{
    return nptl->start >= BEFORE_START;
}

static void widen(struct part *part, uint64_t from, uint64_t to)
{
    part->from = from < part->from ? from : part->from;
    part->to = to > part->to ? to : part->to;
}

static bool read_part(const struct nptl *nptl, const struct snapshot *snapshot, uint64_t handle,
                      struct part *part)
{
    part->from = nptl->tid;
    part->to = nptl->tid + sizeof(int32_t);
    widen(part, nptl->list, nptl->list + sizeof(uint64_t));
    if (has_start(nptl))
        widen(part, nptl->start - BEFORE_START, nptl->start + 2 * sizeof(uint64_t));
    return nptl->tid && part->to - part->from <= MAX_PART &&
           snapshot_read_live(snapshot, handle + part->from, part->bytes, part->to - part->from);
}

static void copy(const struct part *part, uint64_t offset, void *to, size_t size)
{
    memcpy(to, part->bytes + (offset - part->from), size);
}

static struct nptl_thread thread_of(const struct nptl *nptl, const struct part *part, uint64_t handle)
{
    struct nptl_thread thread = {.handle = handle};
    uint64_t words[6];
    copy(part, nptl->tid, &thread.tid, sizeof(int32_t));
    if (!has_start(nptl))
        return thread;
    copy(part, nptl->start - BEFORE_START, words, sizeof(words));
    thread.start = words[4];
    thread.arg = words[5];
    thread.detached = words[0] == handle || words[1] == handle;
    return thread;
}

bool nptl_read_thread(const struct nptl *nptl, const struct snapshot *snapshot, uint64_t handle,
                      struct nptl_thread *thread)
{
    struct part part;
    *thread = (struct nptl_thread){.handle = handle};
    if (!read_part(nptl, snapshot, handle, &part))
        return false;
    *thread = thread_of(nptl, &part, handle);
    return true;
}

struct walk {
    const struct nptl *nptl;
    const struct snapshot *snapshot;
    struct nptl_thread *threads;
    size_t count;
};

/* Sets *node to the next one, or to 0 if that is not readable. */
static bool add(struct walk *walk, uint64_t *node)
{
    struct part part;
    uint64_t handle = *node - walk->nptl->list;
    *node = 0;
    if (!read_part(walk->nptl, walk->snapshot, handle, &part))
        return true;
    struct nptl_thread thread = thread_of(walk->nptl, &part, handle);
    copy(&part, walk->nptl->list, node, sizeof(*node));
    if (thread.tid < 0)
        return true; /* joined meanwhile */
    if (!ARRAY_GROW(walk->threads, walk->count))
        return false;
    walk->threads[walk->count++] = thread;
    return true;
}

/* *whole becomes false if the walk does not end at the head: the list changed. A stack that becomes free
 * meanwhile leads into the list of free ones. */
static bool walk_list(struct walk *walk, uint64_t head, bool *whole)
{
    uint64_t node = 0;
    if (!snapshot_read_live(walk->snapshot, head, &node, sizeof(node)))
        return false;
    while (node && node != head && node != walk->nptl->cache && walk->count < MAX_THREADS)
        if (!add(walk, &node))
            return false;
    *whole = *whole && node == head;
    return true;
}

bool nptl_read_threads(const struct nptl *nptl, const struct snapshot *snapshot, struct nptl_thread **threads,
                       size_t *count, bool *whole)
{
    struct walk walk = {.nptl = nptl, .snapshot = snapshot};
    *whole = nptl->used && nptl->user;
    bool ok = !*whole || (walk_list(&walk, nptl->used, whole) && walk_list(&walk, nptl->user, whole));
    if (!ok) {
        free(walk.threads);
        walk.threads = NULL;
        walk.count = 0;
    }
    *threads = walk.threads;
    *count = walk.count;
    return ok;
}
