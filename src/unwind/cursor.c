#include "unwind/cursor.h"

#include <string.h>

#include "base/path.h"

enum { MAX_DESCENTS = 64 };

void cursor_init(struct cursor *cursor, struct code *code, const struct snapshot_thread *thread)
{
    *cursor = (struct cursor){.code = code, .thread = thread, .is_first = true};
    memcpy(cursor->regs, thread->regs, sizeof(cursor->regs));
    cursor->unknown = thread->unknown_regs;
}

bool cursor_is_unknown(const struct cursor *cursor, int reg)
{
    return cursor->unknown >> reg & 1;
}

bool cursor_read(void *arg, uint64_t address, void *to, size_t size)
{
    struct cursor *cursor = arg;
    if (cursor->code->reads_left && cursor->code->reads_left-- &&
        snapshot_read_memory(cursor->code->snapshot, cursor->thread, address, to, size))
        return true;
    cursor->missing = address;
    return false;
}

bool cursor_read_word(struct cursor *cursor, uint64_t address, uint64_t *word)
{
    return cursor_read(cursor, address, word, sizeof(*word));
}

enum step cursor_lost(struct cursor *cursor, const char *why)
{
    cursor->why = why;
    return STEP_LOST;
}

/* Another stop helps only if the address is on a stack. */
enum step cursor_missing(struct cursor *cursor)
{
    const struct region *region = address_space_find(&cursor->code->snapshot->space, cursor->missing);
    if (!region || !region->readable || !region->writable)
        return cursor_lost(cursor, "a saved register is not in readable memory");
    cursor->is_cut = !snapshot_can_deepen(cursor->code->snapshot);
    if (cursor->is_cut)
        return cursor_lost(cursor, "part of its stack is not in the core");
    const struct region *stack =
        address_space_find(&cursor->code->snapshot->space, cursor->regs[SNAPSHOT_REG_SP]);
    if (stack == region && cursor->regs[SNAPSHOT_REG_SP] < cursor->missing)
        cursor->missing = cursor->regs[SNAPSHOT_REG_SP];
    return STEP_MISSING;
}

bool cursor_is_code(struct cursor *cursor, uint64_t pc)
{
    const struct region *region = address_space_find(&cursor->code->snapshot->space, pc);
    return region && region->executable;
}

/* Our shim calls functions on memory of its own (preload/shim/on_stack.h). */
static bool is_in_shim(const struct cursor *cursor)
{
    const struct region *region =
        address_space_find(&cursor->code->snapshot->space, cursor->regs[SNAPSHOT_REG_PC]);
    return region && strcmp(path_basename(region->path), "libthreadleak.so") == 0;
}

/*
 * The stack grows downwards, so each caller's frame is above its callee's. Three exceptions: a signal handler
 * may have a stack of its own, so may the shim, and the first frame may have no size.
 */
bool cursor_is_loop(struct cursor *cursor, uint64_t sp, bool is_signal_frame)
{
    uint64_t before = cursor->regs[SNAPSHOT_REG_SP];
    if (sp > before || (cursor->is_first && sp == before))
        return false;
    return !(is_signal_frame || is_in_shim(cursor)) || ++cursor->descents > MAX_DESCENTS;
}

enum step cursor_lost_in_loop(struct cursor *cursor)
{
    return cursor_lost(cursor, "the frames form a loop: the stack may be damaged");
}
