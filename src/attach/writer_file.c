#include "attach/writer_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/process.h"
#include "proc/status.h"

static const uint32_t caps[SECTIONS] = {
    [SECTION_SLOTS] = 1u << 17,   [SECTION_SITES] = 1u << 13,  [SECTION_STACKS] = 8,
    [SECTION_TESTS] = 1,          [SECTION_FRAMES] = 1u << 18, [SECTION_MODULES] = 1u << 10,
    [SECTION_STRINGS] = 1u << 19,
};

/* ---- sections ------------------------------------------------------------------------------- */

enum { PAGE = 4096, CHUNK = 1 << 16 };

static uint64_t round_up(uint64_t value)
{
    return (value + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static uint64_t lay_out(struct ledger_header *header)
{
    uint64_t at = LEDGER_HEADER_SIZE;
    for (enum ledger_section s = 0; s < SECTIONS; s++) {
        header->sections[s] = (struct ledger_extent){at, ledger_record_size(s), caps[s], 0};
        at += round_up((uint64_t)caps[s] * ledger_record_size(s));
    }
    return at;
}

/* The file has holes, and a disk can be full. So the file system gives the room before it is written, and one
 * page more, for a record that is written before it is counted. */
static bool allocate(struct writer *writer, enum ledger_section section, uint32_t records)
{
    const struct ledger_extent *extent = &writer->header->sections[section];
    uint64_t all = round_up((uint64_t)extent->cap * extent->record_size);
    uint64_t needed = round_up((uint64_t)records * extent->record_size) + PAGE;
    uint64_t allocated = writer->allocated[section];
    needed = needed < all ? needed : all;
    if (needed <= allocated)
        return true;
    uint64_t more = all - allocated < CHUNK ? all - allocated : CHUNK;
    if (needed - allocated > more)
        more = needed - allocated;
    errno = posix_fallocate(writer->fd, (off_t)(extent->offset + allocated), (off_t)more);
    writer->allocated[section] += errno ? 0 : more;
    return !errno;
}

/* The index of the first of `count` new records; UINT32_MAX: no room. */
uint32_t writer_take(struct writer *writer, enum ledger_section section, uint32_t count)
{
    struct ledger_extent *extent = &writer->header->sections[section];
    uint32_t used = ledger_used(writer->header, section);
    if (count > extent->cap - used || !allocate(writer, section, used + count))
        return UINT32_MAX;
    atomic_store(&extent->used, used + count);
    return used;
}

/* Writes before it counts: a reader then finds whole records. 0: no room. */
uint32_t writer_store(struct writer *writer, const char *text, size_t size)
{
    struct ledger_extent *extent = &writer->header->sections[SECTION_STRINGS];
    uint32_t used = ledger_used(writer->header, SECTION_STRINGS);
    if (size >= extent->cap - used || !allocate(writer, SECTION_STRINGS, used + (uint32_t)size + 1))
        return 0;
    char *to = (char *)writer->records[SECTION_STRINGS] + used;
    memcpy(to, text, size);
    to[size] = 0;
    atomic_store(&extent->used, used + (uint32_t)size + 1);
    return used;
}

/* ---- the file --------------------------------------------------------------------------------- */

/* A file that nobody has locked is left of an attach that was killed. */
static int create(const char *path, pid_t pid, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) {
        int old = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        bool stale = old >= 0 && flock(old, LOCK_EX | LOCK_NB) == 0;
        if (stale)
            unlink(path);
        if (old >= 0)
            close(old);
        if (!stale) {
            error_set(error, "process %d is already attached by another threadleak", (int)pid);
            return -1;
        }
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error_set(error, "cannot write %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static bool map(struct writer *writer, struct error *error)
{
    struct ledger_header layout = {0};
    uint64_t size = lay_out(&layout);
    errno = posix_fallocate(writer->fd, 0, LEDGER_HEADER_SIZE);
    if (errno || ftruncate(writer->fd, (off_t)size) != 0)
        return error_set(error, "cannot write %s: %s", writer->path, strerror(errno));
    char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, writer->fd, 0);
    if (base == MAP_FAILED)
        return error_set(error, "cannot map %s: %s", writer->path, strerror(errno));
    writer->header = (struct ledger_header *)base;
    writer->header->total_size = size;
    memcpy(writer->header->sections, layout.sections, sizeof(layout.sections));
    for (enum ledger_section s = 0; s < SECTIONS; s++)
        writer->records[s] = base + layout.sections[s].offset;
    for (enum ledger_section s = 0; s < SECTIONS; s++)
        if (!allocate(writer, s, 1))
            return error_set(error, "cannot write %s: %s", writer->path, strerror(errno));
    return true;
}

static uint64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void store_command(struct writer *writer, pid_t pid)
{
    char *exe = process_exe(pid), **argv = process_argv(pid);
    struct ledger_header *header = writer->header;
    if (exe)
        header->exe = writer_store(writer, exe, strlen(exe));
    for (char **at = argv; at && *at; at++) {
        uint32_t stored = writer_store(writer, *at, strlen(*at));
        if (!stored)
            break;
        if (at == argv)
            header->argv = stored;
        header->argc++;
    }
    free(exe);
    free(argv);
}

/* When the process began: ticks after boot, as CLOCK_BOOTTIME counts them. */
static void set_times(struct ledger_header *header, const struct task_stat *stat)
{
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    uint64_t since_boot = (uint64_t)boot.tv_sec * 1000000000u + (uint64_t)boot.tv_nsec;
    uint64_t start = stat->start_ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
    uint64_t age = start < since_boot ? since_boot - start : 0, now = now_ns();
    header->started_ns = age < now ? now - age : 1;
    header->started_wall_ns = wall_ns() - age;
    header->attached_wall_ns = wall_ns();
}

static void fill_header(struct writer *writer, pid_t pid, const struct nptl *nptl)
{
    struct ledger_header *header = writer->header;
    struct task_stat stat;
    task_stat_read(pid, 0, &stat);
    writer_take(writer, SECTION_STRINGS, 1); /* offset 0 is "" */
    writer_take(writer, SECTION_SITES, 1);   /* site 0: unknown */
    header->byte_order = LEDGER_BYTE_ORDER;
    header->version = LEDGER_VERSION;
    header->header_size = LEDGER_HEADER_SIZE;
    header->pid = pid;
    header->ppid = stat.parent;
    header->tid_offset = nptl->tid ? (int32_t)nptl->tid : -1;
    header->start_offset = nptl->start ? (int32_t)nptl->start : -1;
    header->flags = LEDGER_ATTACHED;
    header->seccomp = -1;
    header->next_serial = LEDGER_MAIN_SERIAL + 1;
    header->epoch = now_ns();
    set_times(header, &stat);
    store_command(writer, pid);
    memcpy(header->magic, LEDGER_MAGIC, sizeof(header->magic));
    atomic_store(&header->ready, 1);
}

struct writer *writer_new(pid_t pid, const struct nptl *nptl, struct error *error)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    if (!writer || !(writer->free_slots = calloc(caps[SECTION_SLOTS], sizeof(*writer->free_slots)))) {
        free(writer);
        error_set(error, "out of memory");
        return NULL;
    }
    writer->fd = -1;
    if (attached_make_path(pid, writer->path, error) &&
        (writer->fd = create(writer->path, pid, error)) >= 0 && map(writer, error)) {
        fill_header(writer, pid, nptl);
        return writer;
    }
    writer_free(writer);
    return NULL;
}

void writer_free(struct writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0)
        unlink(writer->path);
    if (writer->header)
        munmap(writer->header, writer->header->total_size);
    if (writer->fd >= 0)
        close(writer->fd);
    table_release(&writer->sites);
    table_release(&writer->serials);
    free(writer->free_slots);
    free(writer);
}
