/* See guard.h for the rules of code in this folder. */
#include "preload/backtrace/frame_rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "preload/ledger/module.h"

enum { REG_FP = 6, REG_SP = 7, REG_RETURN = 16, REGS = 17, STATES = 8 }; /* x86_64 psABI, 3.36 */

/* What is kept of the rules: whether they are plain. */
struct state {
    bool cfa_is_plain;
    bool fp_is_plain, sp_is_plain, return_is_plain;
};

struct reader {
    const uint8_t *at, *end;
    bool failed;
};

/* ---- numbers ----------------------------------------------------------------------- */

static uint64_t read_fixed(struct reader *reader, size_t size)
{
    uint64_t value = 0;
    if ((size_t)(reader->end - reader->at) < size) {
        reader->failed = true;
        return 0;
    }
    memcpy(&value, reader->at, size);
    reader->at += size;
    return value;
}

/* ULEB128 and SLEB128. */
static uint64_t read_leb(struct reader *reader, bool is_signed)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = (uint8_t)read_fixed(reader, 1);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (is_signed && shift < 64 && byte & 0x40)
        value |= ~0ull << shift;
    return value;
}

static void skip(struct reader *reader, uint64_t size)
{
    if ((uint64_t)(reader->end - reader->at) < size)
        reader->failed = true;
    else
        reader->at += size;
}

/* An address as an encoding (DW_EH_PE_*) has it: absolute or relative to its own
 * place, of four or eight bytes. */
static uint64_t read_encoded(struct reader *reader, uint8_t encoding, bool is_length)
{
    uint64_t place = (uint64_t)reader->at, value;
    switch (encoding & 0x0f) {
    case 0x03: /* udata4 */
        value = read_fixed(reader, 4);
        break;
    case 0x0b: /* sdata4 */
        value = (uint64_t)(int64_t)(int32_t)read_fixed(reader, 4);
        break;
    case 0x00: /* absptr, udata8, sdata8 */
    case 0x04:
    case 0x0c:
        value = read_fixed(reader, 8);
        break;
    default:
        reader->failed = true;
        return 0;
    }
    if (is_length || (encoding & 0x70) == 0)
        return value;
    reader->failed |= (encoding & 0xf0) != 0x10;
    return value + place;
}

/* ---- the function's entry ------------------------------------------------------------- */

/* The table of .eh_frame_hdr, as every linker writes it. */
static const uint8_t *find_fde(uint64_t pc)
{
    const uint8_t *header = module_eh_frame_header(pc);
    static const uint8_t usual[4] = {1, 0x1b, 0x03, 0x3b};
    if (!header || memcmp(header, usual, sizeof(usual)) != 0)
        return NULL;
    const struct row {
        int32_t start, fde; /* from the header on */
    } *rows = (const void *)(header + 12);
    uint32_t low = 0, high;
    memcpy(&high, header + 8, sizeof(high));
    int64_t wanted = (int64_t)(pc - (uint64_t)header);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rows[middle].start <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? header + rows[low - 1].fde : NULL;
}

struct entry {
    struct reader common, own; /* instructions: of the CIE, of the FDE */
    uint64_t start, size, code_align;
    int64_t data_align;
};

/* *id: where the CIE is, from there backwards. */
static struct reader open_record(const uint8_t *record, uint32_t *id)
{
    struct reader reader = {.at = record, .end = record + 4};
    uint32_t length = (uint32_t)read_fixed(&reader, 4);
    reader.failed = length < 4 || length == 0xffffffff;
    reader.end = reader.failed ? reader.at : reader.at + length;
    *id = (uint32_t)read_fixed(&reader, 4);
    return reader;
}

static bool read_cie(const uint8_t *record, struct entry *entry, uint8_t *encoding)
{
    uint32_t id;
    struct reader reader = open_record(record, &id);
    uint8_t version = (uint8_t)read_fixed(&reader, 1);
    const char *letters = (const char *)reader.at;
    while (read_fixed(&reader, 1) != 0)
        ;
    entry->code_align = read_leb(&reader, false);
    entry->data_align = (int64_t)read_leb(&reader, true);
    uint64_t return_register = version == 1 ? read_fixed(&reader, 1) : read_leb(&reader, false);
    if (reader.failed || id != 0 || (version != 1 && version != 3) || *letters++ != 'z' ||
        return_register != REG_RETURN)
        return false;
    uint64_t size = read_leb(&reader, false);
    const uint8_t *instructions = reader.at + size;
    *encoding = 0;
    for (; *letters && !reader.failed; letters++) {
        uint8_t value = *letters == 'S' ? 0 : (uint8_t)read_fixed(&reader, 1);
        if (*letters == 'R')
            *encoding = value;
        else if (*letters == 'P')
            read_encoded(&reader, value & 0x0f, true);
        else if (*letters != 'L')
            return false; /* a signal's frame */
    }
    entry->common = (struct reader){.at = instructions, .end = reader.end};
    return !reader.failed && instructions <= reader.end;
}

static bool read_fde(const uint8_t *record, struct entry *entry)
{
    uint32_t id;
    uint8_t encoding;
    struct reader reader = open_record(record, &id);
    if (reader.failed || id == 0 || !read_cie(record + 4 - id, entry, &encoding))
        return false;
    entry->start = read_encoded(&reader, encoding, false);
    entry->size = read_encoded(&reader, encoding, true);
    skip(&reader, read_leb(&reader, false));
    entry->own = reader;
    return !reader.failed;
}

/* ---- its instructions -------------------------------------------------------------------- */

struct run {
    const struct entry *entry;
    uint64_t pc, at;
    struct state now, initial, kept[STATES];
    unsigned depth;
};

static void set_rule(struct run *run, uint64_t reg, bool plain_fp, bool plain_return)
{
    if (reg == REG_FP)
        run->now.fp_is_plain = plain_fp;
    else if (reg == REG_SP)
        run->now.sp_is_plain = false;
    else if (reg == REG_RETURN)
        run->now.return_is_plain = plain_return;
}

static void set_offset(struct run *run, uint64_t reg, int64_t factored)
{
    set_rule(run, reg, true, factored * run->entry->data_align == -8);
}

static void restore(struct run *run, uint64_t reg)
{
    if (reg == REG_FP)
        run->now.fp_is_plain = run->initial.fp_is_plain;
    else if (reg == REG_SP)
        run->now.sp_is_plain = run->initial.sp_is_plain;
    else if (reg == REG_RETURN)
        run->now.return_is_plain = run->initial.return_is_plain;
}

static void set_cfa(struct run *run, uint64_t reg)
{
    run->now.cfa_is_plain = reg == REG_SP || reg == REG_FP;
}

static void keep_state(struct run *run, struct reader *reader)
{
    if (run->depth == STATES)
        reader->failed = true;
    else
        run->kept[run->depth++] = run->now;
}

static void take_state(struct run *run, struct reader *reader)
{
    if (run->depth == 0)
        reader->failed = true;
    else
        run->now = run->kept[--run->depth];
}

/* DW_CFA_* whose upper two bits are 0. */
static void run_extended(struct run *run, struct reader *reader, uint8_t code)
{
    uint64_t reg;
    switch (code) {
    case 0x00: /* nop */
        break;
    case 0x01: /* set_loc */
        reader->failed = true;
        break;
    case 0x02: /* advance_loc1, 2, 4 */
    case 0x03:
    case 0x04:
        run->at += read_fixed(reader, 1u << (code - 2)) * run->entry->code_align;
        break;
    case 0x05: /* offset_extended */
        reg = read_leb(reader, false);
        set_offset(run, reg, (int64_t)read_leb(reader, false));
        break;
    case 0x11: /* offset_extended_sf */
        reg = read_leb(reader, false);
        set_offset(run, reg, (int64_t)read_leb(reader, true));
        break;
    case 0x06: /* restore_extended */
        restore(run, read_leb(reader, false));
        break;
    case 0x08: /* same_value */
        set_rule(run, read_leb(reader, false), true, false);
        break;
    case 0x07: /* undefined */
        set_rule(run, read_leb(reader, false), false, false);
        break;
    case 0x09: /* register */
    case 0x14: /* val_offset */
    case 0x15: /* val_offset_sf */
        set_rule(run, read_leb(reader, false), false, false);
        read_leb(reader, false);
        break;
    case 0x0a:
        keep_state(run, reader);
        break;
    case 0x0b:
        take_state(run, reader);
        break;
    case 0x0c: /* def_cfa, def_cfa_sf */
    case 0x12:
        set_cfa(run, read_leb(reader, false));
        read_leb(reader, false);
        break;
    case 0x0d: /* def_cfa_register */
        set_cfa(run, read_leb(reader, false));
        break;
    case 0x0e: /* def_cfa_offset, def_cfa_offset_sf, GNU_args_size */
    case 0x13:
    case 0x2e:
        read_leb(reader, false);
        break;
    case 0x0f: /* def_cfa_expression */
        run->now.cfa_is_plain = false;
        skip(reader, read_leb(reader, false));
        break;
    case 0x10: /* expression, val_expression */
    case 0x16:
        set_rule(run, read_leb(reader, false), false, false);
        skip(reader, read_leb(reader, false));
        break;
    default:
        reader->failed = true;
    }
}

/* As far as the pc; false: not understood. */
static bool run_all(struct run *run, struct reader reader)
{
    while (reader.at < reader.end && run->at <= run->pc && !reader.failed) {
        uint8_t code = (uint8_t)read_fixed(&reader, 1), low = code & 0x3f;
        switch (code >> 6) {
        case 1: /* advance_loc */
            run->at += low * run->entry->code_align;
            break;
        case 2: /* offset */
            set_offset(run, low, (int64_t)read_leb(&reader, false));
            break;
        case 3:
            restore(run, low);
            break;
        default:
            run_extended(run, &reader, code);
        }
    }
    return !reader.failed;
}

enum frame_rule frame_rule_at(uint64_t return_address)
{
    struct entry entry;
    uint64_t pc = return_address - 1;
    const uint8_t *fde = find_fde(pc);
    if (!fde)
        return FRAME_RULE_NONE;
    if (!read_fde(fde, &entry))
        return FRAME_RULE_OTHER;
    if (pc - entry.start >= entry.size)
        return FRAME_RULE_NONE;
    struct run run = {.entry = &entry, .pc = pc, .at = entry.start};
    run.now = (struct state){.fp_is_plain = true, .sp_is_plain = true};
    if (!run_all(&run, entry.common))
        return FRAME_RULE_OTHER;
    run.initial = run.now;
    if (!run_all(&run, entry.own))
        return FRAME_RULE_OTHER;
    const struct state *now = &run.now;
    return now->cfa_is_plain && now->fp_is_plain && now->sp_is_plain && now->return_is_plain
               ? FRAME_RULE_PLAIN
               : FRAME_RULE_OTHER;
}
