#include "attach/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "attach/table.h"
#include "base/clock.h"
#include "ledger/attached.h"
#include "proc/process.h"
#include "proc/status.h"

static const uint32_t caps[SECTIONS] = {
    [SECTION_SLOTS] = 1u << 17,   [SECTION_SITES] = 1u << 13,  [SECTION_STACKS] = 8,
    [SECTION_TESTS] = 1,          [SECTION_FRAMES] = 1u << 18, [SECTION_MODULES] = 1u << 10,
    [SECTION_STRINGS] = 1u << 19,
};

struct writer {
    int fd;
    char path[ATTACHED_PATH];
    struct ledger_header *header;
    void *records[SECTIONS];
    struct table sites;   /* by content hash */
    struct table serials; /* serial of a thread by its tid */
    uint32_t *free_slots;
    uint32_t free_count;
};

/* ---- sections ------------------------------------------------------------------------------- */

static uint64_t round_up(uint64_t value)
{
    return (value + 4095) & ~UINT64_C(4095);
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

/* The index of the first of `count` new records; UINT32_MAX: no room. */
static uint32_t take(struct writer *writer, enum ledger_section section, uint32_t count)
{
    struct ledger_extent *extent = &writer->header->sections[section];
    uint32_t used = ledger_used(writer->header, section);
    if (count > extent->cap - used)
        return UINT32_MAX;
    atomic_store(&extent->used, used + count);
    return used;
}

/* Writes before it counts: a reader then finds whole records. 0: no room. */
static uint32_t store(struct writer *writer, const char *text, size_t size)
{
    struct ledger_extent *extent = &writer->header->sections[SECTION_STRINGS];
    uint32_t used = ledger_used(writer->header, SECTION_STRINGS);
    if (size >= extent->cap - used)
        return 0;
    char *to = (char *)writer->records[SECTION_STRINGS] + used;
    memcpy(to, text, size);
    to[size] = 0;
    atomic_store(&extent->used, used + (uint32_t)size + 1);
    return used;
}

static struct ledger_slot *slot_at(const struct writer *writer, uint32_t slot)
{
    return (struct ledger_slot *)writer->records[SECTION_SLOTS] + slot;
}

static struct ledger_site *site_at(const struct writer *writer, uint32_t site)
{
    return (struct ledger_site *)writer->records[SECTION_SITES] + site;
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
    if (ftruncate(writer->fd, (off_t)size) != 0)
        return error_set(error, "cannot write %s: %s", writer->path, strerror(errno));
    char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, writer->fd, 0);
    if (base == MAP_FAILED)
        return error_set(error, "cannot map %s: %s", writer->path, strerror(errno));
    writer->header = (struct ledger_header *)base;
    writer->header->total_size = size;
    memcpy(writer->header->sections, layout.sections, sizeof(layout.sections));
    for (enum ledger_section s = 0; s < SECTIONS; s++)
        writer->records[s] = base + layout.sections[s].offset;
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
        header->exe = store(writer, exe, strlen(exe));
    for (char **at = argv; at && *at; at++) {
        uint32_t stored = store(writer, *at, strlen(*at));
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
    take(writer, SECTION_STRINGS, 1); /* offset 0 is "" */
    take(writer, SECTION_SITES, 1);   /* site 0: unknown */
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

const struct ledger_header *writer_header(const struct writer *writer)
{
    return writer->header;
}

/* ---- code ------------------------------------------------------------------------------------------ */

static bool is_module(const struct writer *writer, const struct ledger_module *module,
                      const struct code_address *address)
{
    const char *path = (const char *)writer->records[SECTION_STRINGS] + module->path;
    return module->bias == address->pc - address->offset && module->build_id_len == address->build_id_len &&
           strcmp(path, address->module) == 0;
}

static uint32_t add_module(struct writer *writer, const struct code_address *address)
{
    uint32_t path = store(writer, address->module, strlen(address->module));
    uint32_t index = ledger_used(writer->header, SECTION_MODULES);
    if (!path || index >= caps[SECTION_MODULES])
        return LEDGER_NO_MODULE;
    struct ledger_module *module = (struct ledger_module *)writer->records[SECTION_MODULES] + index;
    *module = (struct ledger_module){.path = path, .bias = address->pc - address->offset};
    if (address->build_id_len && address->build_id_len <= sizeof(module->build_id)) {
        module->build_id_len = (uint32_t)address->build_id_len;
        memcpy(module->build_id, address->build_id, address->build_id_len);
    }
    take(writer, SECTION_MODULES, 1);
    return index;
}

static uint32_t module_of(struct writer *writer, const struct code_address *address)
{
    const struct ledger_module *modules = writer->records[SECTION_MODULES];
    uint32_t used = ledger_used(writer->header, SECTION_MODULES);
    for (uint32_t i = 0; i < used; i++)
        if (is_module(writer, &modules[i], address))
            return i;
    return add_module(writer, address);
}

ledger_pc writer_code(struct writer *writer, const struct code_address *address)
{
    uint32_t module = address->module ? module_of(writer, address) : LEDGER_NO_MODULE;
    uint64_t offset = module == LEDGER_NO_MODULE ? address->pc : address->offset;
    return (uint64_t)module << 48 | (offset & LEDGER_PC_OFFSET_MASK);
}

/* ---- sites ------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const ledger_pc *frames, uint32_t count, uint32_t flags, ledger_pc start_pc)
{
    uint64_t hash = table_hash(start_pc ^ flags);
    for (uint32_t i = 0; i < count; i++)
        hash = table_hash(hash ^ frames[i]);
    return hash ? hash : 1;
}

static uint32_t add_site(struct writer *writer, const struct ledger_site *made, const ledger_pc *frames)
{
    uint32_t at = take(writer, SECTION_FRAMES, made->frame_count);
    uint32_t index = at == UINT32_MAX ? at : ledger_used(writer->header, SECTION_SITES);
    if (at == UINT32_MAX || index >= caps[SECTION_SITES])
        return 0;
    memcpy((ledger_pc *)writer->records[SECTION_FRAMES] + at, frames, made->frame_count * sizeof(*frames));
    struct ledger_site *site = site_at(writer, index);
    *site = *made;
    site->frames = at;
    take(writer, SECTION_SITES, 1);
    return index;
}

uint32_t writer_site(struct writer *writer, const ledger_pc *frames, uint32_t count, uint32_t flags,
                     uint64_t start, ledger_pc start_pc)
{
    struct ledger_site made = {.frame_count = count, .flags = flags, .start = start, .start_pc = start_pc};
    made.content_hash = hash_of(frames, count, flags, start_pc);
    uint64_t known = table_find(&writer->sites, made.content_hash);
    if (known)
        return (uint32_t)known;
    uint32_t site = add_site(writer, &made, frames);
    if (site)
        table_set(&writer->sites, made.content_hash, site);
    return site;
}

/* ---- threads --------------------------------------------------------------------------------------------
 */

static uint64_t serial_of(const struct writer *writer, pid_t tid)
{
    return tid == writer->header->pid ? LEDGER_MAIN_SERIAL : table_find(&writer->serials, (uint64_t)tid);
}

static uint32_t take_slot(struct writer *writer)
{
    if (writer->free_count)
        return writer->free_slots[--writer->free_count];
    return take(writer, SECTION_SLOTS, 1);
}

static void raise_peaks(struct writer *writer, struct ledger_site *site)
{
    int64_t live = (int64_t)(site->created - site->ended_joinable - site->ended_detached);
    if (live > site->peak)
        site->peak = live;
    int64_t all = (int64_t)(writer->header->next_serial - LEDGER_MAIN_SERIAL - 1);
    uint32_t used = ledger_used(writer->header, SECTION_SITES);
    for (uint32_t i = 0; i < used; i++)
        all -= (int64_t)(site_at(writer, i)->ended_joinable + site_at(writer, i)->ended_detached);
    if (all > writer->header->peak)
        writer->header->peak = all;
}

uint32_t writer_add(struct writer *writer, const struct writer_thread *thread)
{
    uint32_t index = take_slot(writer);
    if (index == UINT32_MAX) {
        writer_lost(writer, 1);
        return WRITER_NO_SLOT;
    }
    struct ledger_slot *slot = slot_at(writer, index);
    uint32_t uses = slot->state / SLOT_USE + 1;
    memset(slot, 0, sizeof(*slot));
    slot->state = SLOT_STARTED | uses * SLOT_USE;
    slot->tid = thread->tid;
    slot->arg = thread->arg;
    slot->site = thread->site;
    slot->created_ns = thread->ns;
    slot->start_pc = thread->start_pc;
    slot->created_by = serial_of(writer, thread->created_by_tid);
    uint64_t serial = writer->header->next_serial++;
    table_set(&writer->serials, (uint64_t)thread->tid, serial);
    atomic_store_explicit(&slot->serial, serial, memory_order_release);
    struct ledger_site *site = site_at(writer, thread->site);
    site->created++;
    site->last_ns = thread->ns;
    if (thread->site == 0)
        writer->header->lost_places++;
    raise_peaks(writer, site);
    return index;
}

const struct ledger_slot *writer_slot(const struct writer *writer, uint32_t slot)
{
    const struct ledger_slot *at = slot < writer_slot_count(writer) ? slot_at(writer, slot) : NULL;
    return at && at->serial ? at : NULL;
}

uint32_t writer_slot_count(const struct writer *writer)
{
    return ledger_used(writer->header, SECTION_SLOTS);
}

void writer_set_handle(struct writer *writer, uint32_t slot, uint64_t handle)
{
    if (slot != WRITER_NO_SLOT)
        atomic_store(&slot_at(writer, slot)->handle, handle);
}

void writer_set_name(struct writer *writer, uint32_t slot, const char *name)
{
    uint64_t words[2] = {0};
    if (slot == WRITER_NO_SLOT)
        return;
    struct ledger_slot *at = slot_at(writer, slot);
    memcpy(words, name, strnlen(name, sizeof(words)));
    atomic_fetch_add(&at->name_seq, 1);
    atomic_store(&at->name[0], words[0]);
    atomic_store(&at->name[1], words[1]);
    atomic_fetch_add(&at->name_seq, 1);
}

/* The slot of a thread that is over can be used again. */
static void set_bits(struct writer *writer, uint32_t slot, uint32_t bits)
{
    struct ledger_slot *at = slot_at(writer, slot);
    if (!ledger_is_over(atomic_fetch_or(&at->state, bits) | bits))
        return;
    writer->header->over++;
    at->arg = at->serial;
    atomic_store(&at->serial, 0);
    writer->free_slots[writer->free_count++] = slot;
}

static struct ledger_site *site_of(const struct writer *writer, uint32_t slot)
{
    return site_at(writer, slot_at(writer, slot)->site);
}

void writer_ended(struct writer *writer, uint32_t slot, uint64_t ns)
{
    if (slot == WRITER_NO_SLOT || slot_at(writer, slot)->state & SLOT_ENDED)
        return;
    struct ledger_slot *at = slot_at(writer, slot);
    table_remove(&writer->serials, (uint64_t)at->tid);
    atomic_store(&at->ended_ns, ns);
    if (at->state & SLOT_DETACHED)
        site_of(writer, slot)->ended_detached++;
    else
        site_of(writer, slot)->ended_joinable++;
    set_bits(writer, slot, SLOT_ENDED);
}

void writer_detached(struct writer *writer, uint32_t slot, uint64_t caller, ledger_pc place)
{
    if (slot == WRITER_NO_SLOT || slot_at(writer, slot)->state & SLOT_DETACHED)
        return;
    struct ledger_site *site = site_of(writer, slot);
    site->detached++;
    if (slot_at(writer, slot)->state & SLOT_ENDED)
        site->detached_late++;
    if (caller && !site->detach_pc)
        site->detach_pc = place;
    set_bits(writer, slot, SLOT_DETACHED);
}

static void count_place(struct ledger_site *site, uint64_t caller, ledger_pc place)
{
    uint32_t i = 0;
    while (i < LEDGER_JOIN_PLACES && site->join_raw[i] && site->join_raw[i] != caller)
        i++;
    if (!caller || i == LEDGER_JOIN_PLACES)
        return;
    site->join_pc[i] = place;
    site->join_raw[i] = caller;
    site->joined_at[i]++;
}

void writer_joined(struct writer *writer, uint32_t slot, uint64_t caller, ledger_pc place)
{
    if (slot == WRITER_NO_SLOT)
        return;
    struct ledger_site *site = site_of(writer, slot);
    count_place(site, caller, place);
    site->joined++;
    atomic_store(&slot_at(writer, slot)->joined_ns, now_ns());
    set_bits(writer, slot, SLOT_JOINED);
}

void writer_released(struct writer *writer, uint32_t slot)
{
    if (slot == WRITER_NO_SLOT)
        return;
    site_of(writer, slot)->released++;
    set_bits(writer, slot, SLOT_RELEASED);
}

void writer_failed(struct writer *writer, uint32_t site, enum ledger_fail error)
{
    site_at(writer, site)->failed[error]++;
}

void writer_lost(struct writer *writer, uint64_t count)
{
    atomic_fetch_add(&writer->header->lost_events, count);
}
