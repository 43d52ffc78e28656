#include "attach/writer.h"

#include <string.h>

#include "base/clock.h"

static struct ledger_slot *slot_at(const struct writer *writer, uint32_t slot)
{
    return (struct ledger_slot *)writer->records[SECTION_SLOTS] + slot;
}

static struct ledger_site *site_at(const struct writer *writer, uint32_t site)
{
    return (struct ledger_site *)writer->records[SECTION_SITES] + site;
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
    uint32_t path = writer_store(writer, address->module, strlen(address->module));
    uint32_t index = ledger_used(writer->header, SECTION_MODULES);
    if (!path || index >= writer->header->sections[SECTION_MODULES].cap)
        return LEDGER_NO_MODULE;
    struct ledger_module *module = (struct ledger_module *)writer->records[SECTION_MODULES] + index;
    *module = (struct ledger_module){.path = path, .bias = address->pc - address->offset};
    if (address->build_id_len && address->build_id_len <= sizeof(module->build_id)) {
        module->build_id_len = (uint32_t)address->build_id_len;
        memcpy(module->build_id, address->build_id, address->build_id_len);
    }
    writer_take(writer, SECTION_MODULES, 1);
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
    uint32_t at = writer_take(writer, SECTION_FRAMES, made->frame_count);
    uint32_t index = at == UINT32_MAX ? at : ledger_used(writer->header, SECTION_SITES);
    if (at == UINT32_MAX || index >= writer->header->sections[SECTION_SITES].cap)
        return 0;
    memcpy((ledger_pc *)writer->records[SECTION_FRAMES] + at, frames, made->frame_count * sizeof(*frames));
    struct ledger_site *site = site_at(writer, index);
    *site = *made;
    site->frames = at;
    writer_take(writer, SECTION_SITES, 1);
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
    return writer_take(writer, SECTION_SLOTS, 1);
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
