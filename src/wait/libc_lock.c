/* Locks of libc itself: stdio's, and others. */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "wait/describe.h"
#include "wait/glibc.h"
#include "wait/inside.h"
#include "wait/libc_name.h"
#include "wait/owner.h"
#include "wait/unowned.h"

enum { MAX_DATA = 1 << 17 /* bytes of libc's data that are searched */ };

/* ---- stdio --------------------------------------------------------------------------- */

static bool is_file(const struct view *view, uint64_t file, int32_t *fd)
{
    uint32_t flags = 0;
    uint64_t lock = 0;
    return view_read(view, file, &flags, sizeof(flags)) && (flags & 0xffff0000) == GLIBC_FILE_MAGIC &&
           view_read(view, file + GLIBC_FILE_LOCK, &lock, sizeof(lock)) && lock == view->wait->address &&
           view_read(view, file + GLIBC_FILE_DESCRIPTOR, fd, sizeof(*fd));
}

/* The standard streams are in libc's data, and point to their locks. */
static uint64_t find_standard_file(const struct view *view, const struct region *region, int32_t *fd)
{
    const struct snapshot *snapshot = view->waits->context.snapshot;
    size_t size = region->end - region->start < MAX_DATA ? region->end - region->start : MAX_DATA;
    unsigned char *bytes = malloc(size);
    size = bytes ? snapshot_read_some(snapshot, region->start, bytes, size) : 0;
    uint64_t file = 0;
    for (size_t at = GLIBC_FILE_LOCK; !file && at + 8 <= size; at += 8)
        if (memcmp(bytes + at, &view->wait->address, 8) == 0 &&
            is_file(view, region->start + at - GLIBC_FILE_LOCK, fd))
            file = region->start + at - GLIBC_FILE_LOCK;
    free(bytes);
    return file;
}

/* 0: the lock belongs to no FILE that is known. */
static uint64_t find_file(const struct view *view, int32_t *fd)
{
    const struct address_space *space = &view->waits->context.snapshot->space;
    uint64_t file = view->wait->address - GLIBC_FILE_LOCK_BESIDE;
    if (is_file(view, file, fd))
        return file;
    file = 0;
    for (size_t i = 0; i < space->count && !file; i++)
        if (space->regions[i].writable && path_is_libc(space->regions[i].path))
            file = find_standard_file(view, &space->regions[i], fd);
    return file;
}

/* "stdio lock of stdout", "stdio lock of descriptor 7" */
static void add_file(const struct view *view, uint64_t file, int32_t fd)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    bool is_standard = file + GLIBC_FILE_LOCK_BESIDE != view->wait->address && fd >= 0 && fd <= 2;
    line_add(view->line, "stdio lock of ");
    if (is_standard)
        line_add(view->line, "%s", names[fd]);
    else if (fd >= 0)
        line_add(view->line, "descriptor %d", (int)fd);
    else
        line_add(view->line, "a stream at 0x%llx", (unsigned long long)file);
}

/* ---- other locks --------------------------------------------------------------------- */

/* Without an owner: it is not held. The owner's descriptor may have been used for a new thread, which is the
 * owner for glibc, too. stdio counts from 0 since glibc 2.37. */
static struct glibc_recursive_lock read_lock(const struct view *view, bool is_stdio)
{
    struct glibc_recursive_lock lock;
    if (!view_read(view, view->wait->address, &lock, sizeof(lock)) || lock.lock == 0 ||
        lock.count < (is_stdio ? 0 : 1))
        return (struct glibc_recursive_lock){0};
    return lock;
}

/* Functions of stdio that take the lock of its list of streams. Each is named as libc exports it. */
static bool is_of_streams(const void *arg, const struct stack_function *function)
{
    static const char *const names[] = {"fork",   "fflush", "fopen",     "fopen64",     "fdopen",
                                        "fclose", "popen",  "fcloseall", "IO_flush_all"};
    (void)arg;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(bare_name(function->name), names[i]) == 0)
            return true;
    return false;
}

/* These locks store their owners. */
static void add_recursive(const struct view *view)
{
    bool streams = unowned_is_of_libc(view, view->wait->address) && inside_libc(view, is_of_streams, NULL);
    line_add(view->line, streams ? "lock of stdio's list of streams" : "lock of libc");
}

bool wait_for_libc_lock(const struct view *view)
{
    int32_t fd = -1;
    view->wait->on = WAIT_MUTEX;
    view->wait->address = view->thread->syscall_args[0];
    uint64_t file = find_file(view, &fd);
    struct glibc_recursive_lock lock = read_lock(view, file != 0);
    int32_t owner = owner_of_descriptor(view, lock.owner);
    if (file)
        add_file(view, file, fd);
    else if (owner)
        add_recursive(view);
    else
        unowned_add(view);
    if (file && owner_has_ended_with(view, &lock))
        owner_add_ended(view, "held");
    else
        owner_add(view, "held", owner, false);
    return true;
}
