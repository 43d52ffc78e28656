/*
 * Finds the frame pointer of a function that keeps its frame there, when the register is unknown: the thread
 * was left running, and /proc/TID/syscall does not have it.
 *
 * The function's prologue shows the size of the frame: push %rbp; mov %rsp,%rbp; more pushes; sub $SIZE,%rsp.
 * So the frame pointer is at that distance from the stack pointer. It is a little farther if the function has
 * pushed arguments, or a word for the alignment. A function that has called alloca(3) has a larger frame: its
 * return address is searched. Each candidate is checked: its return address must be after a call instruction;
 * one that was searched, after a direct call of this function.
 */
#include "unwind/cursor.h"

#include <string.h>

#if defined(__x86_64__)

enum {
    RBP = SNAPSHOT_REG_FP,
    MAX_ROWS = 64,         /* of call-frame information, between pc and the function's start */
    PROLOGUE = 96,         /* bytes */
    MAX_SIZES = 4,         /* of one prologue */
    MAX_ARGUMENTS = 10,    /* words that the function has pushed for a call, or to align the stack */
    MAX_FRAMES = 512,      /* that a candidate leads to */
    MAX_SEARCHED = 1 << 15 /* bytes of stack */
};

/* A function that begins with push %rbp. */
struct function {
    uint64_t start, pushed; /* `pushed` is after the push */
    uint64_t saved;         /* bytes of the registers that it pushed after %rbp */
};

static bool is_entry(const struct cursor *cursor, const struct frame_rules *rules, uint64_t end)
{
    unsigned char last;
    return rules->cfa.kind == RULE_REGISTER && rules->cfa.value == SNAPSHOT_REG_SP &&
           rules->cfa_offset == 8 && cursor_read_code(cursor, end - 1, &last, 1) && last == 0x55;
}

static bool find_function(struct cursor *cursor, const struct frame_rules *rules, struct function *function)
{
    uint64_t end = rules->start;
    for (int i = 0; i < MAX_ROWS && end; i++) {
        const struct frame_rules *row = code_find_rules(cursor->code, end - 1);
        if (!row || row->start >= end)
            return false;
        if (is_entry(cursor, row, end)) {
            *function = (struct function){.start = row->start, .pushed = end};
            return true;
        }
        end = row->start;
    }
    return false;
}

/* Registers are pushed below %rbp, which is at CFA - 16. */
static uint64_t saved_bytes(const struct frame_rules *rules)
{
    int32_t lowest = -16;
    for (int i = 0; i < SNAPSHOT_REGS; i++)
        if (rules->regs[i].kind == RULE_AT_CFA && rules->regs[i].value < lowest)
            lowest = rules->regs[i].value;
    return (uint64_t)(-16 - lowest);
}

/* Sizes of "sub $SIZE,%rsp" after the push, and 0: there may be none. */
static size_t find_sizes(struct cursor *cursor, const struct function *function, uint64_t sizes[MAX_SIZES])
{
    unsigned char code[PROLOGUE];
    size_t count = 0, length = cursor->regs[SNAPSHOT_REG_PC] - function->pushed;
    if (length > sizeof(code))
        length = sizeof(code);
    if (!cursor_read_code(cursor, function->pushed, code, length))
        return 0;
    for (size_t i = 0; i + 7 <= length && count < MAX_SIZES - 1; i++) {
        int32_t size;
        memcpy(&size, code + i + 3, sizeof(size));
        if (code[i] != 0x48)
            continue;
        if (code[i + 1] == 0x83 && code[i + 2] == 0xec)
            sizes[count++] = (uint64_t)(int8_t)code[i + 3];
        else if (code[i + 1] == 0x81 && code[i + 2] == 0xec)
            sizes[count++] = (uint64_t)size;
        else if (code[i + 1] == 0x83 && code[i + 2] == 0xc4 && code[i + 3] >= 0x80)
            sizes[count++] = (uint64_t) - (int8_t)code[i + 3];
    }
    sizes[count++] = 0;
    return count;
}

static bool calls(const struct cursor *cursor, uint64_t from, uint64_t function)
{
    unsigned char call[5];
    int32_t distance;
    if (!cursor_read_code(cursor, from - sizeof(call), call, sizeof(call)) || call[0] != 0xe8)
        return false;
    memcpy(&distance, call + 1, sizeof(distance));
    return from + (uint64_t)(int64_t)distance == function;
}

/* How well a candidate fits. */
enum fit {
    FIT_NONE,
    FIT_PART, /* its callers are on a part of the stack that was not copied */
    FIT_ALL,  /* its callers lead to the thread's outermost function */
};

static void set_base(struct cursor *cursor, uint64_t base)
{
    cursor->regs[RBP] = base;
    cursor->unknown &= ~(UINT64_C(1) << RBP);
}

/* Old return addresses can be anywhere in a frame, so all callers are found before one is believed. */
static enum fit fit_of(const struct cursor *cursor, uint64_t base)
{
    struct cursor copy = *cursor;
    enum step step = STEP_CALLER;
    bool ignored;
    set_base(&copy, base);
    copy.is_trial = true;
    for (int frames = 0; step == STEP_CALLER && frames < MAX_FRAMES; frames++)
        step = cursor_step(&copy, &ignored);
    return step == STEP_LAST ? FIT_ALL : step == STEP_LOST ? FIT_NONE : FIT_PART;
}

/* After a call, or the code that signal handlers return to. */
static bool is_return(struct cursor *cursor, uint64_t from)
{
    if (cursor_is_after_call(cursor, from) || cursor_is_signal_return(cursor, from))
        return true;
    const struct frame_rules *rules = code_find_rules(cursor->code, from);
    return rules && rules->is_signal_frame;
}

/* False: the word was not copied. */
static bool try_base(struct cursor *cursor, uint64_t base, uint64_t function, enum fit *fit)
{
    uint64_t from;
    *fit = FIT_NONE;
    if (base % 16)
        return true;
    if (!cursor_read_word(cursor, base + 8, &from))
        return false;
    if (!cursor_is_code(cursor, from - 1) ||
        !(function ? calls(cursor, from, function) : is_return(cursor, from)))
        return true;
    *fit = cursor->is_trial ? FIT_ALL : fit_of(cursor, base);
    return true;
}

static bool by_size(struct cursor *cursor, const struct function *function, uint64_t *base)
{
    uint64_t sizes[MAX_SIZES], part = 0;
    size_t count = find_sizes(cursor, function, sizes);
    for (size_t i = 0; i < count * MAX_ARGUMENTS; i++) {
        enum fit fit;
        *base = cursor->regs[SNAPSHOT_REG_SP] + sizes[i % count] + function->saved + 8 * (i / count);
        if (!try_base(cursor, *base, 0, &fit))
            break;
        if (fit == FIT_ALL)
            return true;
        if (fit == FIT_PART && !part)
            part = *base;
    }
    *base = part;
    return part != 0;
}

/* The ABI aligns the stack at each call, so %rbp is a multiple of 16. */
static bool by_search(struct cursor *cursor, const struct function *function, uint64_t *base)
{
    enum fit fit;
    uint64_t sp = cursor->regs[SNAPSHOT_REG_SP];
    for (*base = (sp + 15) & ~UINT64_C(15); *base - sp < MAX_SEARCHED; *base += 16) {
        if (!try_base(cursor, *base, function->start, &fit))
            return false;
        if (fit != FIT_NONE)
            return true;
    }
    return false;
}

bool cursor_find_frame_base(struct cursor *cursor, const struct frame_rules *rules)
{
    struct function function;
    uint64_t base;
    if (rules->cfa.kind != RULE_REGISTER || rules->cfa.value != RBP || rules->cfa_offset != 16 ||
        !find_function(cursor, rules, &function))
        return false;
    function.saved = saved_bytes(rules);
    if (!by_size(cursor, &function, &base) && !by_search(cursor, &function, &base))
        return false;
    set_base(cursor, base);
    return true;
}

#else

/* Functions of the other architectures have their frame pointer beside the stack pointer, and nothing that
 * was checked here. */
bool cursor_find_frame_base(struct cursor *cursor, const struct frame_rules *rules)
{
    (void)cursor;
    (void)rules;
    return false;
}

#endif
