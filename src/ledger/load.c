#include "ledger/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "common/run_protocol.h"
#include "core/core.h"
#include "ledger/records.h"

static const char *const names[SECTIONS] = {
    [SECTION_SLOTS] = "slots",   [SECTION_SITES] = "sites",     [SECTION_STACKS] = "current stacks",
    [SECTION_FRAMES] = "frames", [SECTION_MODULES] = "modules", [SECTION_STRINGS] = "strings",
    [SECTION_TESTS] = "tests",
};

/* Bytes of all sections, three times those of the shim's largest ledger.  A sparse file of a few bytes can
 * claim any size, and the copy is not sparse. */
#define COPY_MAX (256u << 20)

#define SLOT_CHUNK 64u /* 8 KiB: two of them are on the stack */
#define SLOT_TRIES 8

/* How many bytes there were. */
static size_t read_some(const struct ledger_source *source, uint64_t offset, void *to, size_t size)
{
    uint64_t at;
    if (__builtin_add_overflow(source->base, offset, &at))
        return 0;
    return source->core ? core_file_read(source->core, at, to, size) : pread_all(source->fd, at, to, size);
}

bool ledger_has_magic(const struct ledger_source *source)
{
    char magic[sizeof(LEDGER_MAGIC) - 1];
    return read_some(source, 0, magic, sizeof(magic)) == sizeof(magic) &&
           memcmp(magic, LEDGER_MAGIC, sizeof(magic)) == 0;
}

bool ledger_is_path(const char *path)
{
    return strcmp(path, "/memfd:" LEDGER_MEMFD_NAME) == 0 ||
           text_begins_with(path_basename(path), LEDGER_FILE_PREFIX);
}

static bool read_at(const struct ledger_source *source, uint64_t offset, void *to, size_t size,
                    struct error *error)
{
    if (read_some(source, offset, to, size) == size)
        return true;
    if (source->core)
        error_set(error, "%s is truncated", source->name);
    else if (errno == 0)
        error_set(error, "%s became shorter while it was read", source->name);
    else
        error_set(error, "%s cannot be read: %s", source->name, strerror(errno));
    return false;
}

/* ---- the header ------------------------------------------------------------- */

static bool has_our_records(const struct ledger_header *header)
{
    for (enum ledger_section s = 0; s < SECTIONS; s++)
        if (header->sections[s].record_size != ledger_record_size(s))
            return false;
    return true;
}

static bool check_origin(const struct ledger_source *source, const struct ledger_header *header,
                         struct error *error)
{
    if (header->byte_order == __builtin_bswap32(LEDGER_BYTE_ORDER))
        return error_set(error,
                         "%s was written on a machine of the other byte order; report it on such a machine",
                         source->name);
    if (header->byte_order == LEDGER_BYTE_ORDER && header->version != LEDGER_VERSION)
        return error_set(
            error, "%s is of ledger version %u; this threadleak reads %u: use the threadleak that wrote it",
            source->name, header->version, LEDGER_VERSION);
    if (header->byte_order != LEDGER_BYTE_ORDER || header->header_size != LEDGER_HEADER_SIZE ||
        !has_our_records(header))
        return error_set(error, "%s is damaged: its header is not that of a version %u ledger", source->name,
                         LEDGER_VERSION);
    return true;
}

static bool check_section(const struct ledger_source *source, const struct ledger_header *header,
                          enum ledger_section section, struct error *error)
{
    uint64_t offset = header->sections[section].offset;
    uint64_t size = (uint64_t)header->sections[section].cap * ledger_record_size(section);
    if (offset % sizeof(uint64_t) || offset < LEDGER_HEADER_SIZE || offset > header->total_size ||
        size > header->total_size - offset)
        return error_set(error, "%s is damaged: its %s lie outside of it", source->name, names[section]);
    return true;
}

static bool read_header(const struct ledger_source *source, struct ledger_header *header, struct error *error)
{
    size_t magic_size = sizeof(header->magic);
    memset(header, 0, sizeof(*header));
    if (source->size >= magic_size && !read_at(source, 0, header, magic_size, error))
        return false;
    if (memcmp(header->magic, LEDGER_MAGIC, magic_size) != 0)
        return error_set(error, "%s is neither a core file, nor a ledger, nor the directory of a run",
                         source->name);
    if (source->size < LEDGER_HEADER_SIZE)
        return error_set(error, "%s is truncated: %" PRIu64 " bytes, its header needs %u", source->name,
                         source->size, LEDGER_HEADER_SIZE);
    /* The shim writes `end` last. So a header that is read after `end` was set is complete. */
    if (!read_at(source, 0, header, sizeof(*header), error) ||
        (header->end && !read_at(source, 0, header, sizeof(*header), error)) ||
        !check_origin(source, header, error))
        return false;
    if (header->total_size > source->size)
        return error_set(error, "%s is truncated: %" PRIu64 " bytes of %" PRIu64, source->name, source->size,
                         header->total_size);
    for (enum ledger_section s = 0; s < SECTIONS; s++)
        if (!check_section(source, header, s, error))
            return false;
    return true;
}

/* ---- the sections ----------------------------------------------------------- */

/* Are all three copies of the same thread? They were read in this order. */
static bool is_whole(const struct ledger_slot *before, const struct ledger_slot *dest,
                     const struct ledger_slot *after)
{
    return before->serial == after->serial && dest->serial == after->serial;
}

static bool is_steady(const struct ledger_slot *before, const struct ledger_slot *dest,
                      const struct ledger_slot *after)
{
    if (after->serial == 0)
        return true;
    return is_whole(before, dest, after) && before->state == after->state &&
           before->name_seq == after->name_seq && !(after->name_seq & 1);
}

static bool read_thrice(const struct ledger_source *source, uint64_t offset, struct ledger_slot *dest,
                        struct ledger_slot *before, struct ledger_slot *after, uint32_t n,
                        struct error *error)
{
    size_t size = n * sizeof(*dest);
    /* One pread may copy the words of a slot in any order.  Three preads follow each other. */
    return read_at(source, offset, before, size, error) && read_at(source, offset, dest, size, error) &&
           read_at(source, offset, after, size, error);
}

/* The slot is free: is the copy that of its last thread? A writer that uses it again changes its state first.
 */
static bool is_past(const struct ledger_slot *before, const struct ledger_slot *dest,
                    const struct ledger_slot *after)
{
    return ledger_is_over(dest->state) && is_whole(before, dest, after) && before->state == after->state &&
           dest->state == after->state && before->arg == after->arg && before->name_seq == after->name_seq;
}

/* Reads a slot again that changed while it was copied. If it changes each time but all copies are of one
 * thread, keeps it without its name, which could be a mix of two. */
static bool read_until_steady(const struct ledger_source *source, uint64_t offset, struct ledger_slot *dest,
                              struct ledger_slot *before, struct ledger_slot *after, struct error *error)
{
    for (int i = 0; i < SLOT_TRIES && !is_steady(before, dest, after); i++)
        if (!read_thrice(source, offset, dest, before, after, 1, error))
            return false;
    if (after->serial == 0 && !is_past(before, dest, after))
        dest->state = 0;
    if (after->serial == 0 || !is_whole(before, dest, after))
        dest->serial = 0;
    if (before->name_seq != after->name_seq || (after->name_seq & 1)) {
        dest->name_seq = 0;
        dest->name[0] = dest->name[1] = 0;
    }
    return true;
}

static bool copy_slots(const struct ledger_source *source, uint64_t offset, struct ledger_slot *slots,
                       uint32_t count, struct error *error)
{
    struct ledger_slot before[SLOT_CHUNK] = {0}, after[SLOT_CHUNK] = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = offset + i * sizeof(*slots);
        uint32_t in_chunk = i % SLOT_CHUNK, left = count - i;
        if (in_chunk == 0 &&
            !read_thrice(source, at, &slots[i], before, after, left < SLOT_CHUNK ? left : SLOT_CHUNK, error))
            return false;
        if (!read_until_steady(source, at, &slots[i], &before[in_chunk], &after[in_chunk], error))
            return false;
    }
    return true;
}

static bool read_section(const struct ledger_source *source, struct ledger *ledger,
                         enum ledger_section section, struct error *error)
{
    struct ledger_extent *extent = &ledger->header.sections[section];
    uint64_t at = (uint64_t)((char *)&extent->used - (char *)&ledger->header);

    /* Does not use the copied header: since then the section may have got records that the previous section
     * refers to. */
    if (!read_at(source, at, &extent->used, sizeof(extent->used), error))
        return false;
    uint32_t used = ledger_used(&ledger->header, section);
    uint64_t offset = extent->offset, size = used * (uint64_t)extent->record_size;
    if (used > extent->cap || size > COPY_MAX - ledger->copied)
        return error_set(error, "%s is damaged: it cannot hold %u %s", source->name, used, names[section]);
    /* The additional byte ends the last string. */
    char *records = calloc(1, size + 1);
    if (!records)
        return error_set(error, "%s: out of memory", source->name);
    ledger->records[section] = records;
    ledger->count[section] = used;
    ledger->copied += size;
    if (section == SECTION_SLOTS)
        return copy_slots(source, offset, ledger->records[SECTION_SLOTS], used, error);
    if (source->core && source->cut && section > SECTION_SITES) {
        uint32_t whole = (uint32_t)(read_some(source, offset, records, size) / extent->record_size);
        *source->cut |= whole < used;
        ledger->count[section] = whole;
        return true;
    }
    return read_at(source, offset, records, size, error);
}

/* Corrects lengths and terminates strings that callers read without an accessor. */
static void correct(struct ledger *ledger)
{
    struct ledger_header *header = &ledger->header;
    struct ledger_module *modules = ledger->records[SECTION_MODULES];
    const char *strings = ledger->records[SECTION_STRINGS];
    uint32_t argc = 0, at = header->argv;

    for (uint32_t i = 0; i < LEDGER_UNTRACKED_MAX; i++)
        header->untracked[i].name[sizeof(header->untracked[i].name) - 1] = 0;
    for (uint32_t i = 0; i < ledger->count[SECTION_MODULES]; i++)
        if (modules[i].build_id_len > sizeof(modules[i].build_id))
            modules[i].build_id_len = 0;
    for (; at && at < ledger->count[SECTION_STRINGS] && argc < header->argc; argc++)
        at += (uint32_t)strlen(strings + at) + 1;
    header->argc = argc;
}

enum ledger_open_status ledger_load(const struct ledger_source *source, struct ledger **ledger,
                                    struct error *error)
{
    struct ledger *copy = aligned_alloc(_Alignof(struct ledger), sizeof(*copy));
    enum ledger_open_status status = LEDGER_OPEN_FAILED;

    *ledger = NULL;
    if (!copy) {
        error_set(error, "%s: out of memory", source->name);
        return status;
    }
    memset(copy, 0, sizeof(*copy));
    if (!read_header(source, &copy->header, error))
        goto failed;
    if (!copy->header.ready) {
        error_set(error, "%s is empty: its process had recorded nothing yet", source->name);
        status = LEDGER_OPEN_NOT_WATCHED;
        goto failed;
    }
    for (enum ledger_section s = 0; s < SECTIONS; s++)
        if (!read_section(source, copy, s, error))
            goto failed;
    correct(copy);
    *ledger = copy;
    return LEDGER_OPEN_OK;

failed:
    ledger_close(copy);
    return status;
}
