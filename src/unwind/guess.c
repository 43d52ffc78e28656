#include "unwind/cursor.h"

#include <string.h>

/* Generated code may be in writable memory, which snapshot_read_memory does not read. */
bool cursor_read_code(const struct cursor *cursor, uint64_t address, void *to, size_t size)
{
    const struct region *region = address_space_find(&cursor->code->snapshot->space, address);
    return region && region->executable && cursor->code->reads_left && cursor->code->reads_left-- &&
           snapshot_read_live(cursor->code->snapshot, address, to, size);
}

/* ---- by the instructions -------------------------------------------------------- */

#if defined(__x86_64__)
/* mov $15,%rax; syscall: rt_sigreturn.  Some libraries have no call-frame information for it. */
bool cursor_is_signal_return(struct cursor *cursor, uint64_t pc)
{
    static const unsigned char expected[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
    unsigned char code[sizeof(expected)];
    return cursor_read_code(cursor, pc, code, sizeof(code)) && memcmp(code, expected, sizeof(code)) == 0;
}

/* The handler's return has popped its address, so sp is at struct ucontext.  Its
 * registers begin at byte 40 (arch/x86/include/uapi/asm/sigcontext.h). */
static enum step by_signal_context(struct cursor *cursor)
{
    static const unsigned char order[] = {8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16};
    uint64_t saved[sizeof(order)];
    if (!cursor_read(cursor, cursor->regs[SNAPSHOT_REG_SP] + 40, saved, sizeof(saved)))
        return cursor_missing(cursor);
    if (cursor_is_loop(cursor, saved[15], true))
        return cursor_lost_in_loop(cursor);
    for (size_t i = 0; i < sizeof(order); i++)
        cursor->regs[order[i]] = saved[i];
    cursor->unknown = 0;
    cursor->is_return_address = false;
    return STEP_CALLER;
}

/* Does the module have call-frame information for most of its functions? */
static bool has_descriptions(struct cursor *cursor, uint64_t pc)
{
    const struct code_file *file = code_find_file(cursor->code, pc);
    return file && file->eh_frame;
}

/* A call through a bad pointer has run no instruction: the return address is on top of the stack. */
static enum step by_top_of_stack(struct cursor *cursor)
{
    uint64_t pc = 0;
    if (!cursor_read_word(cursor, cursor->regs[SNAPSHOT_REG_SP], &pc))
        return cursor_missing(cursor);
    if (!cursor_is_code(cursor, pc))
        return cursor_lost(cursor, "the program counter is not in code");
    cursor->regs[SNAPSHOT_REG_PC] = pc;
    cursor->regs[SNAPSHOT_REG_SP] += 8;
    cursor->is_return_address = true;
    return STEP_CALLER;
}

/* In a function without a frame and without call-frame information, such as the end of
 * libc's clone3: the word on top of the stack is an address after a call of it. */
static bool is_called_from_top(struct cursor *cursor, uint64_t pc)
{
    enum { MAX_BYTES = 4096 }; /* of a function without call-frame information */
    unsigned char call[5];
    uint64_t from;
    int32_t distance;
    if (!has_descriptions(cursor, pc) || !cursor_read_word(cursor, cursor->regs[SNAPSHOT_REG_SP], &from) ||
        !cursor_read_code(cursor, from - sizeof(call), call, sizeof(call)) || call[0] != 0xe8)
        return false;
    memcpy(&distance, call + 1, sizeof(distance));
    uint64_t callee = from + (uint64_t)(int64_t)distance;
    return callee <= pc && pc - callee < MAX_BYTES;
}

/* call rel32, or ff /2 (call through a register or memory) with the bytes that its ModRM byte requires. */
bool cursor_is_after_call(const struct cursor *cursor, uint64_t pc)
{
    unsigned char code[7] = {0}, *end = code + sizeof(code);
    const struct region *region = address_space_find(&cursor->code->snapshot->space, pc - 1);
    size_t before = region ? pc - region->start : 0; /* the function may begin with the mapping */
    if (before > sizeof(code))
        before = sizeof(code);
    if (!before || !cursor_read_code(cursor, pc - before, end - before, before))
        return false;
    if (end[-5] == 0xe8)
        return true;
    for (size_t size = 2; size <= before; size++) {
        unsigned char mode = end[1 - (int)size] >> 6, rm = end[1 - (int)size] & 7;
        size_t sib = mode != 3 && rm == 4, displaced = mode == 1                             ? 1
                                                       : mode == 2 || (mode == 0 && rm == 5) ? 4
                                                                                             : 0;
        if (end[-(int)size] == 0xff && (end[1 - (int)size] >> 3 & 7) == 2 && size == 2 + sib + displaced)
            return true;
    }
    return false;
}

/* Handles instructions before a function sets up its frame pointer, or after it restored the caller's: push
 * %rbp, mov %rsp,%rbp (both encodings), ret. */
static bool by_unset_frame(struct cursor *cursor, uint64_t pc)
{
    static const unsigned char mark[] = {0xf3, 0x0f, 0x1e, 0xfa}; /* endbr64 */
    unsigned char code[8];
    uint64_t saved[2] = {0}, at = cursor->regs[SNAPSHOT_REG_SP];
    if (!cursor_read_code(cursor, pc, code, sizeof(code)))
        return false;
    const unsigned char *here = memcmp(code, mark, sizeof(mark)) == 0 ? code + sizeof(mark) : code;
    bool pushed =
        code[0] == 0x48 && ((code[1] == 0x89 && code[2] == 0xe5) || (code[1] == 0x8b && code[2] == 0xec));
    if (!pushed && here[0] != 0x55 && code[0] != 0xc3)
        return false;
    if (!cursor_read(cursor, at, saved, pushed ? 16 : 8) || !cursor_is_after_call(cursor, saved[pushed]))
        return false;
    cursor->regs[SNAPSHOT_REG_PC] = saved[pushed];
    cursor->regs[SNAPSHOT_REG_SP] = at + (pushed ? 16 : 8);
    cursor->is_return_address = true;
    return true;
}

/* clone(2) has returned 0 to a new thread, on an empty stack, with its creator's registers. libc's wrappers
 * have no call-frame information between there and the thread's first instruction: syscall; test %rax,%rax;
 * jl; je. */
static bool is_new_thread(struct cursor *cursor, uint64_t pc)
{
    static const unsigned char test[] = {0x0f, 0x05, 0x48, 0x85, 0xc0};
    unsigned char code[sizeof(test) + 2], *end = code + sizeof(code);
    if (cursor_is_unknown(cursor, 0) || cursor->regs[0] != 0 ||
        !cursor_read_code(cursor, pc - sizeof(code), code, sizeof(code)))
        return false;
    return memcmp(end - 2, test, 2) == 0 || memcmp(end - sizeof(test), test, sizeof(test)) == 0 ||
           (memcmp(code, test, sizeof(test)) == 0 && end[-2] == 0x7c);
}
#else
static bool is_new_thread(struct cursor *cursor, uint64_t pc)
{
    (void)cursor;
    (void)pc;
    return false;
}

static bool is_called_from_top(struct cursor *cursor, uint64_t pc)
{
    (void)cursor;
    (void)pc;
    return false;
}

bool cursor_is_signal_return(struct cursor *cursor, uint64_t pc)
{
    (void)cursor;
    (void)pc;
    return false;
}

/* bl, blr */
bool cursor_is_after_call(const struct cursor *cursor, uint64_t pc)
{
    uint32_t code;
    return cursor_read_code(cursor, pc - sizeof(code), &code, sizeof(code)) &&
           ((code & 0xfc000000) == 0x94000000 || (code & 0xfffffc1f) == 0xd63f0000);
}

static bool by_unset_frame(struct cursor *cursor, uint64_t pc)
{
    (void)cursor;
    (void)pc;
    return false;
}

static enum step by_signal_context(struct cursor *cursor)
{
    return cursor_lost(cursor, "a signal frame without call-frame information");
}

static enum step by_top_of_stack(struct cursor *cursor)
{
    uint64_t pc = cursor->regs[30] & CODE_ADDRESS_MASK;
    if (cursor_is_unknown(cursor, 30))
        return cursor_lost(cursor, CURSOR_UNKNOWN);
    if (!cursor_is_code(cursor, pc))
        return cursor_lost(cursor, "the program counter is not in code");
    cursor->regs[SNAPSHOT_REG_PC] = pc;
    cursor->is_return_address = true;
    return STEP_CALLER;
}
#endif

/* ---- by the frame pointer ----------------------------------------------------------------- */

/*
 * In both ABIs the frame pointer's target holds the caller's frame pointer and the return
 * address; it is 0 where a thread begins.  A function that was interrupted may have no
 * frame pointer, and generated code may use the register for something else.  Then some
 * callers are skipped.
 */
static enum step by_frame_pointer(struct cursor *cursor, uint64_t pc)
{
    const struct code_file *file = code_find_file(cursor->code, pc - cursor->is_return_address);
    uint64_t fp = cursor->regs[SNAPSHOT_REG_FP], saved[2];
    if (cursor_is_unknown(cursor, SNAPSHOT_REG_FP))
        return cursor_lost(cursor, CURSOR_UNKNOWN);
    if (fp == 0 && cursor->by_frame_pointer)
        return STEP_LAST;
    const struct region *stack =
        address_space_find(&cursor->code->snapshot->space, cursor->regs[SNAPSHOT_REG_SP]);
    if (fp % 8 || fp < cursor->regs[SNAPSHOT_REG_SP] || !stack || fp >= stack->end)
        return cursor_lost(cursor, "no call-frame information");
    if (!cursor_read(cursor, fp, saved, sizeof(saved)))
        return cursor_missing(cursor);
    saved[1] &= CODE_ADDRESS_MASK;
    if (saved[1] == 0 && cursor->by_frame_pointer)
        return STEP_LAST;
    if (!cursor_is_after_call(cursor, saved[1]))
        return cursor_lost(cursor, "no call-frame information");
    if (!cursor->is_return_address || !file || !file->elf)
        cursor->doubt = "partly found by frame pointers: some callers may be missing";
    cursor->regs[SNAPSHOT_REG_FP] = saved[0];
    cursor->regs[SNAPSHOT_REG_SP] = fp + sizeof(saved);
    cursor->regs[SNAPSHOT_REG_PC] = saved[1];
    cursor->is_return_address = true;
    cursor->by_frame_pointer = true;
    return STEP_CALLER;
}

/* ---- the choice ------------------------------------------------------------------------- */

/* Code that is missing in a core may have no frame pointers. Code without a file, in a complete core, was
 * generated at run time and may have them. */
static bool is_unknown_code(struct cursor *cursor, uint64_t pc)
{
    const struct snapshot *snapshot = cursor->code->snapshot;
    const struct code_file *file = snapshot_is_partial(snapshot) ? code_find_file(cursor->code, pc) : NULL;
    if (!file || file->elf)
        return false;
    return file->path ? file->path[0] == '/' : !snapshot->complete;
}

enum step cursor_guess(struct cursor *cursor, uint64_t pc)
{
    if (is_unknown_code(cursor, pc - cursor->is_return_address))
        return cursor_lost(cursor,
                           "its code is not in the core, and the file is missing or of another build");
    if (cursor_is_signal_return(cursor, pc))
        return by_signal_context(cursor);
    if (cursor->is_return_address)
        return by_frame_pointer(cursor, pc);
    if (!cursor_is_code(cursor, pc) || is_called_from_top(cursor, pc))
        return by_top_of_stack(cursor);
    if (cursor->is_first && is_new_thread(cursor, pc))
        return STEP_LAST;
    return by_unset_frame(cursor, pc) ? STEP_CALLER : by_frame_pointer(cursor, pc);
}
